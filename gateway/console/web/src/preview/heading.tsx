import type { Listed } from './find';
import { countOf, labelOf } from './label';

interface HeadingProps {
  listed: Listed<unknown>;
  /** What a list is called whose name says nothing. */
  instead: string;
  /** Below the heading of what the list belongs to. */
  isNested: boolean;
}

export function Heading({ listed, instead, isNested }: HeadingProps) {
  const Level = isNested ? 'h4' : 'h3';
  return (
    <Level className="hg-list-head">
      {labelOf(listed.field, instead)} <small>{countOf(listed)}</small>
    </Level>
  );
}
