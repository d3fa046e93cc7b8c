/** Something to put into the new highlight. `id` is for the list on the screen alone. */
export type Medium = { id: number } & ({ file: File } | { url: string });

let last = 0;

export const fromFiles = (files: Iterable<File>): Medium[] => [...files].map((file) => ({ id: ++last, file }));

/** One for each https URL in a text that was typed, pasted or dropped. */
export const fromText = (text: string): Medium[] => text.split('\n').flatMap(urlsIn).map((url) => ({ id: ++last, url }));

/** The words that are one. A lone one at the start of the line has what comes after it: browsers take blanks, too. */
function urlsIn(line: string): string[] {
  const found = line.split(/\s+/).filter(isHttps);
  return found.length === 1 && isHttps(line) ? [new URL(line).href] : found;
}

const isHttps = (text: string): boolean => URL.canParse(text) && new URL(text).protocol === 'https:';

export function nameOf(medium: Medium): string {
  if ('file' in medium) return medium.file.name;
  const url = new URL(medium.url);
  return url.pathname.split('/').at(-1) || url.hostname;
}

export function moved(media: Medium[], from: number, to: number): Medium[] {
  const rest = media.filter((_, place) => place !== from);
  return to < 0 || to >= media.length ? media : rest.toSpliced(to, 0, media[from]!);
}

/** The media as `input.media`, and the files by their path in the variables. */
export function asInput(media: Medium[]): { input: object[]; files: Map<string, File> } {
  const files = new Map<string, File>();
  const input = media.map((medium, place) => {
    if ('url' in medium) return { url: medium.url };
    files.set(`variables.input.media.${place}.file`, medium.file);
    return { file: null };
  });
  return { input, files };
}

export const bytesOf = (medium: Medium): number => ('file' in medium ? medium.file.size : 0);

const UNITS = ['bytes', 'kB', 'MB', 'GB'];

/** As people say it: `1.2 MB`. */
export function sized(bytes: number): string {
  const power = Math.min(bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const amount = bytes / 1000 ** power;
  return `${power === 0 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${UNITS[power]}`;
}

/** How much of each file has gone, from 0 to 1, where they go one after the other and this many bytes have gone. */
export function partsGone(media: Medium[], bytes: number): Map<number, number> {
  const gone = new Map<number, number>();
  let before = 0;
  for (const medium of media) {
    const size = bytesOf(medium);
    if ('file' in medium) gone.set(medium.id, Math.min(1, Math.max(0, (bytes - before) / Math.max(size, 1))));
    before += size;
  }
  return gone;
}
