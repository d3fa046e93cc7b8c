// GraphQL Yoga with a DataLoader per request and the response cache, by its pages "Quick start", "Dataloader" and "Response Caching".
import { createServer } from 'node:http';
import { useResponseCache } from '@graphql-yoga/plugin-response-cache';
import DataLoader from 'dataloader';
import { createSchema, createYoga } from 'graphql-yoga';
import { headers, highlightPath, lifetime, port, resolversOver, trayPath, typeDefs, upstream } from './hikerapi.mjs';

const get = async (path) => {
  const response = await fetch(upstream + path, { headers });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
};

const loaderOf = (pathOf) => new DataLoader((keys) => Promise.all(keys.map((key) => get(pathOf(key)))));

const yoga = createYoga({
  schema: createSchema({
    typeDefs,
    resolvers: resolversOver({
      tray: ({ trays }, id) => trays.load(id),
      highlight: ({ highlights }, pk) => highlights.load(pk),
    }),
  }),
  context: () => ({ trays: loaderOf(trayPath), highlights: loaderOf(highlightPath) }),
  plugins: [useResponseCache({ session: () => null, ttl: lifetime * 1000 })],
});

createServer(yoga).listen(port, '127.0.0.1');
