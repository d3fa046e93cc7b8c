/** Something to put into the new highlight. `id` is for the list on the screen alone. */
export type Medium = { id: number } & ({ file: File } | { url: string });

let last = 0;

export const fromFiles = (files: Iterable<File>): Medium[] => [...files].map((file) => ({ id: ++last, file }));

/** One for each https URL in a text that was pasted or dropped. */
export function fromText(text: string): Medium[] {
  const urls = text.split(/\s+/).filter((word) => URL.canParse(word) && new URL(word).protocol === 'https:');
  return urls.map((url) => ({ id: ++last, url }));
}

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
