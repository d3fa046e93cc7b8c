import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const NAME = 'virtual:examples';

interface Sources {
  /** The folder of the operations. */
  queries: string;
  /** By group, in the order in which they are listed: their names, with the variables that show each best. */
  listed: string;
}

/** The operations of `queries/`. */
export function examples({ queries, listed }: Sources): Plugin {
  return {
    name: 'examples',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined;
      this.addWatchFile(listed);
      const groups = JSON.parse(readFileSync(listed, 'utf8')) as Record<string, Record<string, unknown>>;
      const found = Object.entries(groups).flatMap(([group, members]) =>
        Object.entries(members).map(([name, variables]) => example(queries, name, group, variables)),
      );
      checkComplete(queries, found.map(({ name }) => name));
      return `export default ${JSON.stringify(found)}`;
    },
  };
}

function example(queries: string, name: string, group: string, variables: unknown) {
  const query = readFileSync(join(queries, `${name}.graphql`), 'utf8');
  const note = [...query.matchAll(/^# ?(.*)$/gm)].map((match) => match[1]).join(' ');
  return { name, group, note, query, variables: JSON.stringify(variables, null, 2) };
}

function checkComplete(queries: string, listed: string[]): void {
  const there = readdirSync(queries).filter((file) => file.endsWith('.graphql'));
  const left = there.filter((file) => !listed.includes(file.replace('.graphql', '')));
  if (left.length > 0) throw new Error(`examples.json does not list ${left.join(', ')}`);
}
