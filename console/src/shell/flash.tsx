// Messages above the page.
import Flashbar, { type FlashbarProps } from '@cloudscape-design/components/flashbar';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { ApiError } from '../api/errors';
import { uuid } from '../model/uuid';
import { text } from '../text';

interface Flash {
  /** Shows a message. One with the id of another replaces it. */
  show: (message: FlashbarProps.MessageDefinition) => void;
  /** Says that something was done. */
  done: (sentence: string) => void;
  /** Says why something was not done. */
  failed: (what: string, error: unknown) => void;
  messages: FlashbarProps.MessageDefinition[];
}

const FlashContext = createContext<Flash | undefined>(undefined);

export function FlashProvider({ children }: { children: ReactNode }) {
  const [messages, setMessages] = useState<FlashbarProps.MessageDefinition[]>([]);
  const show = useCallback((message: FlashbarProps.MessageDefinition) => {
    const id = message.id ?? uuid();
    const dismiss = () => setMessages((all) => all.filter((one) => one.id !== id));
    const shown = { dismissible: true, dismissLabel: text.common.close, onDismiss: dismiss, ...message, id };
    setMessages((all) => [shown, ...all.filter((one) => one.id !== id)].slice(0, 5));
  }, []);
  const flash = useMemo<Flash>(
    () => ({
      show,
      done: (sentence) => show({ type: 'success', content: sentence }),
      failed: (what, error) => {
        const about = error instanceof ApiError ? error : undefined;
        const id = about?.requestId ? ` ${text.common.requestId(about.requestId)}` : '';
        const why = error instanceof Error ? error.message : String(error);
        show({ type: 'error', header: what, content: `${why}${id}` });
      },
      messages,
    }),
    [messages, show],
  );
  return <FlashContext.Provider value={flash}>{children}</FlashContext.Provider>;
}

export function useFlash(): Flash {
  const flash = useContext(FlashContext);
  if (!flash) throw new Error('no messages here');
  return flash;
}

/** The messages, for the frame of the page; `first` is above them. */
export function Flashes({ first }: { first?: FlashbarProps.MessageDefinition | undefined }) {
  const { messages } = useFlash();
  return <Flashbar items={first ? [first, ...messages] : messages} stackItems={messages.length > 1} />;
}
