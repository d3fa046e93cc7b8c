import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const NAME = 'virtual:examples';

/** The operations of `queries/`, each with the variables that show it best on the sandbox. */
export function examples(queries: string, variables: string): Plugin {
  return {
    name: 'examples',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined;
      this.addWatchFile(variables);
      const values = JSON.parse(readFileSync(variables, 'utf8')) as Record<string, unknown>;
      const files = readdirSync(queries).filter((file) => file.endsWith('.graphql')).sort();
      return `export default ${JSON.stringify(files.map((file) => example(join(queries, file), file, values)))}`;
    },
  };
}

function example(path: string, file: string, values: Record<string, unknown>) {
  const name = file.replace('.graphql', '');
  if (!(name in values)) throw new Error(`variables.json has no entry for ${file}`);
  const query = readFileSync(path, 'utf8');
  const note = [...query.matchAll(/^# ?(.*)$/gm)].map((match) => match[1]).join(' ');
  return { name, note, query, variables: JSON.stringify(values[name], null, 2) };
}
