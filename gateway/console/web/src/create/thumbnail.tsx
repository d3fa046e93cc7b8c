import { useEffect, useRef } from 'react';
import type { Medium } from './media';

const WIDTH = 36;
const HEIGHT = 64;

/** Drawn from the file itself. What a URL shows is not fetched: the platform will, this page has no business there. */
export function Thumbnail({ medium }: { medium: Medium }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const file = 'file' in medium ? medium.file : null;
  useEffect(() => {
    if (file?.type.startsWith('image/')) void draw(canvas.current!, file);
  }, [file]);
  const sign = !file ? 'URL' : file.type.startsWith('video/') ? 'Video' : '';
  return (
    <span className="hg-thumbnail">
      <canvas ref={canvas} width={WIDTH} height={HEIGHT} />
      {sign && <small>{sign}</small>}
    </span>
  );
}

/** Fills the frame. A format that this browser cannot read stays blank; the gateway may read it. */
async function draw(canvas: HTMLCanvasElement, file: File): Promise<void> {
  const image = await createImageBitmap(file).catch(() => null);
  if (!image) return;
  const scale = Math.max(WIDTH / image.width, HEIGHT / image.height);
  const [width, height] = [image.width * scale, image.height * scale];
  canvas.getContext('2d')?.drawImage(image, (WIDTH - width) / 2, (HEIGHT - height) / 2, width, height);
  image.close();
  canvas.classList.add('hg-drawn');
}
