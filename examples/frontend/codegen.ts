import type { CodegenConfig } from '@graphql-codegen/cli';

export default {
  schema: 'graph/api.graphql',
  documents: ['graph/*.graphql', '!graph/api.graphql'],
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: {
        // The gateway knows its `queries/` by their SHA-256, so the page names them instead of sending them.
        persistedDocuments: { hashAlgorithm: 'sha256' },
        fragmentMasking: false,
      },
      config: {
        // As text: nothing of a GraphQL library is left in the page.
        documentMode: 'string',
        useTypeImports: true,
        strictScalars: true,
        scalars: { BigInt: 'number', Date: 'string', DateTime: 'string', JSON: 'unknown', URL: 'string', Upload: 'File' },
      },
    },
  },
} satisfies CodegenConfig;
