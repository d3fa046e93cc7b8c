import { parse, type DocumentNode, type OperationDefinitionNode } from 'graphql';

export function parsed(text: string): DocumentNode | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/** The operation at this offset of the text; where none is there, the only one. */
export function operationAt(document: DocumentNode, offset: number): OperationDefinitionNode | null {
  const operations = document.definitions.filter((one) => one.kind === 'OperationDefinition');
  const under = operations.find(({ loc }) => loc && loc.start <= offset && offset <= loc.end);
  return under ?? (operations.length === 1 ? operations[0]! : null);
}

/** The name if one of the operations has it, else that of the only one. */
export function named(document: DocumentNode, name: string | null | undefined): string | undefined {
  const names = document.definitions.flatMap((one) => (one.kind === 'OperationDefinition' ? [one.name?.value] : []));
  return name && names.includes(name) ? name : names.length === 1 ? names[0] : undefined;
}
