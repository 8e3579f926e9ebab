// Pictures of the choices. They only repeat what the tiles say in words, so that screen readers skip them.
import type { ReactNode } from 'react';
import './pictures.css';

function Picture({ children }: { children: ReactNode }) {
  return (
    <svg className="picture" viewBox="0 0 240 112" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

/** A disk, drawn as a cylinder, by its middle. */
function Disk({ x, y, className = 'box' }: { x: number; y: number; className?: string }) {
  return (
    <g className={className}>
      <path d={`M${x - 18} ${y - 8}v16a18 6 0 0 0 36 0v-16`} />
      <ellipse cx={x} cy={y - 8} rx="18" ry="6" />
    </g>
  );
}

/** An instance, by its middle. */
function Instance({ x, y, className = 'main' }: { x: number; y: number; className?: string }) {
  return (
    <g>
      <rect className={className} x={x - 20} y={y - 14} width="40" height="28" rx="4" />
      <path className="line" d={`M${x - 11} ${y - 4}h22M${x - 11} ${y + 4}h14`} />
    </g>
  );
}

function Zone({ x, width }: { x: number; width: number }) {
  return <rect className="zone" x={x} y="4" width={width} height="104" rx="6" />;
}

/** Queues between those who send and those who receive. */
export function ActiveMqPicture() {
  return (
    <Picture>
      <circle className="box" cx="30" cy="56" r="14" />
      <path className="line" d="M44 56H72M168 38H196M168 74H196" />
      <rect className="main" x="72" y="24" width="96" height="28" rx="4" />
      <rect className="main" x="72" y="60" width="96" height="28" rx="4" />
      {[84, 104, 124, 144].map((x) => (
        <rect key={x} className="message" x={x} y="32" width="12" height="12" rx="2" />
      ))}
      {[124, 144].map((x) => (
        <rect key={x} className="other" x={x} y="68" width="12" height="12" rx="2" />
      ))}
      <circle className="box" cx="210" cy="38" r="14" />
      <circle className="box" cx="210" cy="74" r="14" />
    </Picture>
  );
}

/** An exchange that routes to queues. */
export function RabbitMqPicture() {
  return (
    <Picture>
      <circle className="box" cx="26" cy="56" r="14" />
      <path className="line" d="M40 56H66M98 50L136 28M100 56H136M98 62L136 84" />
      <path className="main" d="M82 38l18 18-18 18-18-18z" />
      {[16, 44, 72].map((y, at) => (
        <g key={y}>
          <rect className="box" x="136" y={y} width="76" height="24" rx="4" />
          {[0, 1, 2].slice(at).map((place) => (
            <rect
              key={place}
              className={at === 1 ? 'other' : 'message'}
              x={192 - place * 18}
              y={y + 6}
              width="12"
              height="12"
              rx="2"
            />
          ))}
        </g>
      ))}
    </Picture>
  );
}

/** One instance with its disk in one zone. */
export function SinglePicture() {
  return (
    <Picture>
      <Zone x={78} width={84} />
      <Instance x={120} y={34} />
      <path className="line" d="M120 48V66" />
      <Disk x={120} y={80} />
    </Picture>
  );
}

/** Two instances in two zones on one store: one serves, one waits. */
export function PairPicture() {
  return (
    <Picture>
      <Zone x={22} width={84} />
      <Zone x={134} width={84} />
      <Instance x={64} y={34} />
      <Instance x={176} y={34} className="idle" />
      <path className="line" d="M64 48V80H102" />
      <path className="waiting" d="M176 48V80H138" />
      <Disk x={120} y={82} className="main" />
    </Picture>
  );
}

/** Three nodes in three zones, each with its disk, all connected. */
export function ClusterPicture() {
  return (
    <Picture>
      {[44, 120, 196].map((x) => (
        <g key={x}>
          <Zone x={x - 34} width={68} />
          <Instance x={x} y={34} />
          <path className="line" d={`M${x} 48V66`} />
          <Disk x={x} y={80} />
        </g>
      ))}
      <path className="line" d="M64 34H100M140 34H176" />
    </Picture>
  );
}

/** A store that two zones share. */
export function EfsPicture() {
  return (
    <Picture>
      <Zone x={22} width={84} />
      <Zone x={134} width={84} />
      <Disk x={64} y={56} className="main" />
      <Disk x={176} y={56} className="main" />
      <path className="line" d="M84 52H156M150 47l6 5-6 5" />
      <path className="line" d="M156 64H84M90 59l-6 5 6 5" />
    </Picture>
  );
}

/** A fast disk next to its instance. */
export function EbsPicture() {
  return (
    <Picture>
      <Zone x={38} width={164} />
      <Instance x={80} y={56} />
      <path className="line" d="M102 46H140M102 56H140M102 66H140" />
      <Disk x={162} y={56} className="main" />
    </Picture>
  );
}
