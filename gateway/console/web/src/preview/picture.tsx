import { useState, type ReactNode } from 'react';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * The address under which this page may show the medium; null where it cannot. Instagram's picture servers forbid other
 * sites to show what is on them, so nothing is fetched from there: their media come through the gateway.
 */
export function reachable(url: string | null): string | null {
  if (!url || !URL.canParse(url)) return null;
  const { origin, hostname, port, pathname, search } = new URL(url);
  const isThisMachine = LOOPBACK.has(hostname) && LOOPBACK.has(location.hostname) && port === location.port;
  return origin === location.origin || isThisMachine ? location.origin + pathname + search : null;
}

interface PictureProps {
  url: string | null;
  alt?: string;
  /** What is shown where there is no picture. */
  instead?: ReactNode;
}

export function Picture({ url, alt = '', instead = null }: PictureProps) {
  const [dead, setDead] = useState<string | null>(null);
  const source = reachable(url);
  if (!source || source === dead) return instead;
  return <img src={source} alt={alt} onError={() => setDead(source)} />;
}
