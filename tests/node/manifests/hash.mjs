// What the tools of two clients make of documents: standard input is {name: text}, standard output {tool: {name: text}}.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { addTypenameToDocument } from '@apollo/client/utilities'
import { sortTopLevelDefinitions } from '@apollo/persisted-query-lists'
import { printExecutableGraphQLDocument } from '@graphql-tools/documents'

const { parse, print } = createRequire(import.meta.url)('graphql')
const texts = Object.entries(JSON.parse(readFileSync(process.argv[2], 'utf8')))
const each = (normalise) => Object.fromEntries(texts.map(([name, text]) => [name, normalise(parse(text))]))

console.log(JSON.stringify({
  apollo: each((document) => print(sortTopLevelDefinitions(addTypenameToDocument(document)))),
  codegen: each((document) => printExecutableGraphQLDocument(document)),
}))
