import { useMemo } from 'react';
import { answer } from '../shared/answer';
import { Absences } from './absences';
import { absencesIn } from './absent';
import { subjectsIn, type Subject } from './find';
import { reachable } from './picture';
import { Subjects } from './subjects';

export function PreviewPanel() {
  const current = answer.use();
  const subjects = useMemo(() => subjectsIn(current?.data), [current]);
  const absences = useMemo(() => absencesIn(current?.data, current?.errors ?? []), [current]);
  return (
    <div className="hg-panel">
      <h2 className="graphiql-doc-explorer-title">Preview</h2>
      <Subjects subjects={subjects} />
      <Absences absences={absences} />
      {subjects.length + absences.length === 0 && (
        <p className="hg-quiet">
          {current?.data ? 'Nothing in this answer has a preview. ' : ''}
          Run an operation that selects the <code>id</code> of highlights, stories or posts, or a list of accounts: they
          are shown here, wherever they are in the answer.
        </p>
      )}
      {subjects.some(isElsewhere) && <Elsewhere />}
    </div>
  );
}

/** Whether a picture came that cannot be shown here. */
function isElsewhere({ reels, posts, people, spots }: Subject): boolean {
  const lists = [...posts, ...people, ...spots].flatMap((one): { picture: string | null }[] => one.entries);
  const pictures = [...reels.map(({ cover }) => cover), ...lists.map(({ picture }) => picture)];
  return pictures.some((url) => url && !reachable(url));
}

function Elsewhere() {
  return (
    <p className="hg-quiet">
      What lacks its picture has it on servers that show it to Instagram alone. Ask for <code>proxied: true</code>, and
      the gateway stands between.
    </p>
  );
}
