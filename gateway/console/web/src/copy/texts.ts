import type { Request } from './request';

const VARIABLE = 'HIGHLIGHTS_KEY';

/** A command for a shell, which reads the key from its environment. */
export function curl({ url, headers, keyHeader, streams, ...body }: Request): string {
  const scheme = keyHeader === 'authorization' ? 'Bearer ' : '';
  return [
    `curl -sS${streams ? 'N' : ''} ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(keyHeader ? [`-H "${keyHeader}: ${scheme}$${VARIABLE}"`] : []),
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(' \\\n  ');
}

/** Statements for a module in JavaScript. */
export function fetching({ url, headers, keyHeader, streams, ...body }: Request): string {
  const scheme = keyHeader === 'authorization' ? 'Bearer ' : '';
  const lines = Object.entries(headers).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  if (keyHeader) lines.push(`${JSON.stringify(keyHeader)}: \`${scheme}\${${VARIABLE}}\`,`);
  return `${keyHeader ? `const ${VARIABLE} = '';\n` : ''}const response = await fetch(${JSON.stringify(url)}, {
  method: 'POST',
  headers: {
    ${lines.join('\n    ')}
  },
  body: JSON.stringify({
    query: ${template(body.query)},
    variables: ${indented(JSON.stringify(body.variables, null, 2), 4)},${body.operationName ? `\n    operationName: ${JSON.stringify(body.operationName)},` : ''}
  }),
});
${streams ? STREAM : 'const { data, errors } = await response.json();'}
`;
}

const STREAM = `const decoder = new TextDecoder();
for await (const part of response.body) console.log(decoder.decode(part, { stream: true }));`;

/** For a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const template = (text: string) => `\`${text.replace(/[`\\]|\$\{/g, (found) => `\\${found}`)}\``;
const indented = (text: string, by: number) => text.replaceAll('\n', `\n${' '.repeat(by)}`);
