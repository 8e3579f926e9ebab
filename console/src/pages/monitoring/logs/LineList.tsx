import Button from '@cloudscape-design/components/button';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { instanceOf, levelOf, type LogLine, withoutTime } from '../../../model/loglines';
import { text } from '../../../text';

const words = text.monitoring.logs;
/** The height of a line that is not wrapped, in pixels. */
const HEIGHT = 20;
/** So close to the end counts as the end, in pixels. */
const NEAR = 30;

const today = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const others = new Intl.DateTimeFormat('en-GB', { dateStyle: 'short', timeStyle: 'medium' });

/** The time of a line: with its date, unless it is of today. */
function timeWords(at: number): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return (isToday ? today : others).format(date);
}

interface Props {
  lines: readonly LogLine[];
  dropped: number;
  isFollowing: boolean;
  isWrapped: boolean;
  /** Whether lines of several instances are shown. */
  hasInstances: boolean;
  onPaused: (isPaused: boolean) => void;
}

/** A window of rows over all lines: only those that are seen are there. It stays at the end until somebody scrolls. */
export function LineList({ lines, dropped, isFollowing, isWrapped, hasInstances, onPaused }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(isFollowing);
  const [seen, setSeen] = useState(0);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => HEIGHT,
    overscan: 20,
    getItemKey: (index) => lines[index]?.eventId ?? index,
  });
  const total = lines.length + dropped;
  const isPaused = isFollowing && !isAtEnd;

  useEffect(() => setAtEnd(isFollowing), [isFollowing]);
  useEffect(() => onPaused(isPaused), [isPaused, onPaused]);
  useEffect(() => rows.measure(), [isWrapped, rows]);
  useLayoutEffect(() => {
    if (!isFollowing || !isAtEnd) return;
    if (lines.length) rows.scrollToIndex(lines.length - 1, { align: 'end' });
    setSeen(total);
  }, [isFollowing, isAtEnd, total, lines.length, isWrapped, rows]);
  // What was dropped at the beginning must not move what somebody reads.
  const before = useRef(dropped);
  useLayoutEffect(() => {
    const gone = dropped - before.current;
    before.current = dropped;
    if (gone > 0 && !isAtEnd && frame.current) frame.current.scrollTop -= gone * HEIGHT;
  }, [dropped, isAtEnd]);

  const lastTop = useRef(0);
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = frame.current as HTMLDivElement;
    const isBack = scrollTop < lastTop.current;
    lastTop.current = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < NEAR) setAtEnd(true);
    // On the way to the end the list is not there yet: only a person scrolls back.
    else if (isBack) setAtEnd(false);
  };
  return (
    <div className="mon-log-place">
      <div
        ref={frame}
        className={`mon-log${isWrapped ? ' mon-log-wrapped' : ''}`}
        // It scrolls, so the keyboard has to reach it. Lines come too fast to be read out.
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={words.region}
        onScroll={scrolled}
      >
        <div className="mon-log-all" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const line = lines[row.index];
            if (!line) return null;
            const instance = hasInstances ? instanceOf(line.logStreamName) : undefined;
            return (
              <div
                key={row.key}
                ref={isWrapped ? rows.measureElement : undefined}
                data-index={row.index}
                className={`mon-line mon-line-${levelOf(line.message) ?? 'none'}`}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <time className="mon-line-time" dateTime={new Date(line.timestamp).toISOString()}>
                  {timeWords(line.timestamp)}
                </time>
                {hasInstances ? <span className="mon-line-instance">{instance ?? line.logStreamName}</span> : null}
                <span className="mon-line-text">{withoutTime(line.message) || ' '}</span>
              </div>
            );
          })}
        </div>
      </div>
      {isPaused ? (
        <div className="mon-log-newest">
          <Button iconName="angle-down" onClick={() => setAtEnd(true)}>
            {words.toNewest(Math.max(0, total - seen))}
          </Button>
        </div>
      ) : null}
    </div>
  );
}
