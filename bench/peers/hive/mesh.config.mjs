// The OpenAPI source of Hive Gateway, by the Mesh pages "OpenAPI" and "Extending the unified schema with @resolveTo":
// an entry of the tray gets its items from the other endpoint.
import { defineConfig } from '@graphql-mesh/compose-cli';
import { loadOpenAPISubgraph } from '@omnigraph/openapi';

export const composeConfig = defineConfig({
  subgraphs: [
    {
      sourceHandler: loadOpenAPISubgraph('HikerAPI', {
        source: new URL('./openapi.json', import.meta.url).pathname,
        endpoint: process.env.BENCH_UPSTREAM,
        operationHeaders: { 'x-access-key': 'bench' },
      }),
    },
  ],
  additionalTypeDefs: /* GraphQL */ `
    extend type Highlight {
      loaded: Highlight
        @resolveTo(
          sourceName: "HikerAPI"
          sourceTypeName: "Query"
          sourceFieldName: "highlight"
          requiredSelectionSet: "{ pk }"
          sourceArgs: { url: "https://www.instagram.com/stories/highlights/{root.pk}/" }
        )
    }
  `,
});
