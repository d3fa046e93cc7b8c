"""The graph: types, resolvers of one line each, and how they become a schema. Import `schema.build`."""
