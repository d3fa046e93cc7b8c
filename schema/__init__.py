"""The GraphQL schema: types and resolvers of one line each. Import `schema.build`."""
