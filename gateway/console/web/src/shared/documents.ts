import { parse, type DocumentNode, type OperationDefinitionNode } from 'graphql';

export function parsed(text: string): DocumentNode | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

export const operationsIn = ({ definitions }: DocumentNode) => definitions.filter((one) => one.kind === 'OperationDefinition');

/** The operation at this offset of the text; where none is there, the only one. */
export function operationAt(document: DocumentNode, offset: number): OperationDefinitionNode | null {
  const operations = operationsIn(document);
  const under = operations.find(({ loc }) => loc && loc.start <= offset && offset <= loc.end);
  return under ?? (operations.length === 1 ? operations[0]! : null);
}

/** The operation of this name, else the first. */
export function operationNamed(document: DocumentNode, name: string | null | undefined): OperationDefinitionNode | undefined {
  const operations = operationsIn(document);
  return operations.find((one) => one.name?.value === name) ?? operations[0];
}

/** The name if one of the operations has it, else that of the only one. */
export function named(document: DocumentNode, name: string | null | undefined): string | undefined {
  const names = operationsIn(document).map((one) => one.name?.value);
  return name && names.includes(name) ? name : names.length === 1 ? names[0] : undefined;
}
