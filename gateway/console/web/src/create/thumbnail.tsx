import { useEffect, useRef } from 'react';
import type { Medium } from './media';

const WIDTH = 36;
const HEIGHT = 64;
const MOMENT = 0.1; // seconds: the very first frame is often black

/** Drawn from the file itself. What a URL shows is not fetched: the platform will, this page has no business there. */
export function Thumbnail({ medium }: { medium: Medium }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const file = 'file' in medium ? medium.file : null;
  useEffect(() => {
    if (file?.type.startsWith('image/')) void drawPhoto(canvas.current!, file);
    else if (file?.type.startsWith('video/')) return drawVideo(canvas.current!, file);
    return undefined;
  }, [file]);
  const sign = !file ? 'URL' : file.type.startsWith('video/') ? 'Video' : '';
  return (
    <span className="hg-thumbnail">
      <canvas ref={canvas} width={WIDTH} height={HEIGHT} />
      {sign && <small>{sign}</small>}
    </span>
  );
}

/** A format that this browser cannot read stays blank; the gateway may read it. */
async function drawPhoto(canvas: HTMLCanvasElement, file: File): Promise<void> {
  const image = await createImageBitmap(file).catch(() => null);
  if (!image) return;
  fill(canvas, image, image);
  image.close();
}

/** Gives what stops it. A codec that this browser cannot play stays blank as well. */
function drawVideo(canvas: HTMLCanvasElement, file: File): () => void {
  const url = URL.createObjectURL(file);
  const video = document.createElement('video');
  video.muted = true;
  video.preload = 'auto';
  const stop = () => {
    video.removeAttribute('src');
    URL.revokeObjectURL(url);
  };
  video.onloadeddata = () => (video.currentTime = Math.min(MOMENT, video.duration / 2));
  video.onseeked = () => {
    fill(canvas, video, { width: video.videoWidth, height: video.videoHeight });
    stop();
  };
  video.src = url;
  return stop;
}

function fill(canvas: HTMLCanvasElement, image: CanvasImageSource, size: { width: number; height: number }): void {
  const scale = Math.max(WIDTH / size.width, HEIGHT / size.height);
  const [width, height] = [size.width * scale, size.height * scale];
  canvas.getContext('2d')?.drawImage(image, (WIDTH - width) / 2, (HEIGHT - height) / 2, width, height);
  canvas.classList.add('hg-drawn');
}
