// node validate.mjs FILE... : prints what is wrong with the manifests, as a JSON array of sentences.
//
// The models are made of the schemas of Kubernetes, and of the operator's own definition of its resources. They check
// values, but not names of fields that they do not know: those are found by the compiler, of which the models are types.
import { readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';

const packageOf = (apiVersion) =>
  `${apiVersion.startsWith('monitoring.coreos.com/') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'}/${apiVersion}`;

const documents = process.argv.slice(2).flatMap((file) =>
  parseAllDocuments(readFileSync(file, 'utf8'), { strict: true, uniqueKeys: true }).map((document) => {
    if (document.errors.length) throw document.errors[0];
    return { file, content: document.toJS() };
  }),
);
const problems = [];
const lines = [];
for (const [number, { file, content }] of documents.entries()) {
  const model = (await import(packageOf(content.apiVersion)))[content.kind];
  try {
    new model(content).validate();
  } catch (error) {
    problems.push(`${file}: ${error.message}`);
  }
  lines.push(
    `import type { I${content.kind} as I${number} } from '${packageOf(content.apiVersion)}'; const _${number}: I${number} = ${JSON.stringify(content)};`,
  );
}
writeFileSync('checked.ts', lines.join('\n'));
const options = {
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  types: [],
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};
for (const found of ts.getPreEmitDiagnostics(ts.createProgram(['checked.ts'], options))) {
  const line = found.file?.getLineAndCharacterOfPosition(found.start).line ?? 0;
  problems.push(`${documents[line].file}: ${ts.flattenDiagnosticMessageText(found.messageText, ' ')}`);
}
console.log(JSON.stringify(problems));
