import { useEffect, useState } from 'react';
import { relative } from '../model/time';

const format = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'long' });

/** A time in the viewer's zone. */
export function Time({ value }: { value: string | number | Date | undefined }) {
  if (value === undefined) return <>–</>;
  const date = new Date(value);
  return <time dateTime={date.toISOString()}>{format.format(date)}</time>;
}

/** How long ago something was, with the time itself as its title. */
export function Ago({ value }: { value: string | number | Date }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  const date = new Date(value);
  return (
    <time dateTime={date.toISOString()} title={format.format(date)}>
      {relative(date.getTime(), now)}
    </time>
  );
}
