// Apollo Server with a RESTDataSource and the response cache plugin, by its pages "Fetching from REST", "Server-side
// caching" and "Configuring cache backends" (a bounded cache, here as large as the gateway's).
import { RESTDataSource } from '@apollo/datasource-rest';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import responseCachePlugin from '@apollo/server-plugin-response-cache';
import { InMemoryLRUCache } from '@apollo/utils.keyvaluecache';
import { headers, highlightPath, lifetime, port, resolversOver, trayPath, typeDefs, upstream } from './hikerapi.mjs';

class HikerAPI extends RESTDataSource {
  baseURL = upstream;
  willSendRequest(_path, request) {
    Object.assign(request.headers, headers);
  }
  cacheOptionsFor() {
    return { ttl: lifetime };
  }
}

const cache = new InMemoryLRUCache({ maxSize: 256 * 2 ** 20 });
const server = new ApolloServer({
  typeDefs,
  resolvers: resolversOver({
    tray: ({ api }, id) => api.get(trayPath(id)),
    highlight: ({ api }, pk) => api.get(highlightPath(pk)),
  }),
  cache,
  plugins: [ApolloServerPluginCacheControl({ defaultMaxAge: lifetime }), responseCachePlugin()],
});

await startStandaloneServer(server, {
  listen: { port, host: '127.0.0.1' },
  context: async () => ({ api: new HikerAPI({ cache }) }),
});
