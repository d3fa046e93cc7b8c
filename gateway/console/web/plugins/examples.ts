import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const NAME = 'virtual:examples';

interface Sources {
  /** The folder of the operations. */
  queries: string;
  /** The variables that show each of them best on the sandbox. */
  variables: string;
  /** Their names by group, in the order in which they are listed. */
  groups: string;
}

/** The operations of `queries/`. */
export function examples({ queries, variables, groups }: Sources): Plugin {
  return {
    name: 'examples',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined;
      [variables, groups].forEach((file) => this.addWatchFile(file));
      const values = JSON.parse(readFileSync(variables, 'utf8')) as Record<string, unknown>;
      const listed = Object.entries(JSON.parse(readFileSync(groups, 'utf8')) as Record<string, string[]>);
      const found = listed.flatMap(([group, names]) => names.map((name) => example(queries, name, group, values)));
      checkComplete(queries, found.map(({ name }) => name));
      return `export default ${JSON.stringify(found)}`;
    },
  };
}

function example(queries: string, name: string, group: string, values: Record<string, unknown>) {
  if (!(name in values)) throw new Error(`variables.json has no entry for ${name}`);
  const query = readFileSync(join(queries, `${name}.graphql`), 'utf8');
  const note = [...query.matchAll(/^# ?(.*)$/gm)].map((match) => match[1]).join(' ');
  return { name, group, note, query, variables: JSON.stringify(values[name], null, 2) };
}

function checkComplete(queries: string, listed: string[]): void {
  const there = readdirSync(queries).filter((file) => file.endsWith('.graphql'));
  const left = there.filter((file) => !listed.includes(file.replace('.graphql', '')));
  if (left.length > 0) throw new Error(`groups.json does not list ${left.join(', ')}`);
}
