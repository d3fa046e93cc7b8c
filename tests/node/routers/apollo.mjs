// node apollo.mjs SUPERGRAPH : prints the address of a router once it listens. What the subgraphs billed is added up.
import { readFileSync } from 'node:fs';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

const BILLED = 'x-billed-requests';

class Subgraph extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    if (context.key) request.http.headers.set('x-api-key', context.key);
  }

  didReceiveResponse({ response, context }) {
    context.billed = (context.billed ?? 0) + Number(response.http.headers.get(BILLED) ?? 0);
    return response;
  }
}

const billing = {
  async requestDidStart() {
    return {
      async willSendResponse({ response, contextValue }) {
        response.http.headers.set(BILLED, String(contextValue.billed ?? 0));
      },
    };
  },
};

const gateway = new ApolloGateway({
  supergraphSdl: readFileSync(process.argv[2], 'utf8'),
  buildService: ({ url }) => new Subgraph({ url }),
});
const server = new ApolloServer({ gateway, plugins: [billing] });
const { url } = await startStandaloneServer(server, {
  listen: { host: '127.0.0.1', port: 0 },
  context: async ({ req }) => ({ key: req.headers['x-api-key'] }),
});
console.log(url);
