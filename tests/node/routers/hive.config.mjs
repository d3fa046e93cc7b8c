// What the subgraphs billed reaches the client; the client's key reaches them.
import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({ 'x-api-key': request.headers.get('x-api-key') ?? undefined }),
    fromSubgraphsToClient: ({ response }) => {
      const billed = response.headers.get('x-billed-requests');
      return billed === null ? {} : { 'x-billed-requests': billed };
    },
  },
});
