import { LockIcon, MissingIcon } from '../icons';
import type { Absence } from './absent';
import { Picture } from './picture';

const TOLD = {
  private: ['Private account', LockIcon],
  missing: ['Not found', MissingIcon],
  renamed: ['Renamed', MissingIcon],
} as const;

/** Whose highlights cannot be shown, and why. */
export function Absences({ absences }: { absences: Absence[] }) {
  return absences.map(({ kind, owner, message }) => {
    const [title, Icon] = TOLD[kind];
    return (
      <section key={message} className="hg-absent" data-testid="absent">
        <Picture url={owner?.picture ?? null} instead={<span className="hg-absent-sign"><Icon /></span>} />
        <div>
          <h3>
            {owner && <span>{owner.username ?? owner.fullName}</span>}
            <span className="hg-mark">
              {owner?.picture && <Icon />} {title}
            </span>
          </h3>
          <p className="hg-quiet">{message}</p>
        </div>
      </section>
    );
  });
}
