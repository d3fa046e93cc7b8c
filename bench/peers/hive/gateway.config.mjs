// Hive Gateway with its response cache, by its page "Performance & Caching". Without ids of entities: they are kept for
// invalidation by mutations, of which this graph has none, in the same store of 1,000 keys as the answers, so that the
// entities of one big answer would push out the answer itself.
import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  supergraph: new URL('../supergraph.graphql', import.meta.url).pathname,
  responseCaching: { session: () => null, ttl: 600_000, idFields: [] },
  logging: 'warn',
});
