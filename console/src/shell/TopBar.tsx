// The bar above every page: region, who is signed in, appearance, signing out.
import TopNavigation, { type TopNavigationProps } from '@cloudscape-design/components/top-navigation';
import { useState } from 'react';
import { ApiError } from '../api/errors';
import { signOut, signOutEverywhere, useSession } from '../api/session';
import { leaving } from '../shared/leave';
import { text } from '../text';
import { LOGO } from './Brand';
import { useFlash } from './flash';
import { setTheme, type Theme, theme } from './theme';

interface Props {
  follow: (event: CustomEvent<{ href?: string | undefined }>) => void;
  onLeave: (why?: string) => void;
  onRegion: (region: string) => void;
}

export function TopBar({ follow, onLeave, onRegion }: Props) {
  const session = useSession();
  const flash = useFlash();
  const [chosen, setChosen] = useState<Theme>(theme());
  const leave = (how: () => Promise<void>) =>
    how().then(
      () => onLeave(),
      (error: unknown) => {
        // A session that has ended needs no end.
        if (error instanceof ApiError && error.status === 401) onLeave();
        else flash.failed(text.shell.signOut, error);
      },
    );
  const utilities: TopNavigationProps.Utility[] = [
    {
      type: 'menu-dropdown',
      text: session.region,
      ariaLabel: `${text.shell.region}: ${session.region}`,
      iconName: 'globe',
      items: session.regions.map((region) => ({
        id: region,
        text: region,
        itemType: 'checkbox',
        checked: region === session.region,
      })),
      onItemClick: ({ detail }) => {
        if (detail.id !== session.region) leaving(() => onRegion(detail.id));
      },
    },
    {
      type: 'menu-dropdown',
      text: session.name,
      title: text.shell.account(session.accountName, session.accountId),
      description: session.arn,
      iconName: 'user-profile',
      items: [
        {
          id: 'theme',
          text: text.shell.theme,
          items: (['system', 'light', 'dark'] as const).map((id) => ({
            id,
            text: text.shell[id],
            itemType: 'checkbox',
            checked: chosen === id,
          })),
        },
        {
          id: 'docs',
          text: text.shell.help,
          href: '/docs',
          external: true,
          externalIconAriaLabel: text.common.newTab,
        },
        { id: 'out', text: text.shell.signOut },
        { id: 'everywhere', text: text.shell.signOutEverywhere },
      ],
      onItemClick: ({ detail: { id } }) => {
        if (id === 'out') leaving(() => void leave(signOut));
        else if (id === 'everywhere') leaving(() => void leave(signOutEverywhere));
        else if (id === 'light' || id === 'dark' || id === 'system') {
          setTheme(id);
          setChosen(id);
        }
      },
    },
  ];
  return (
    <TopNavigation
      identity={{
        href: '/console/',
        title: text.shell.product,
        logo: { src: LOGO, alt: text.shell.logo },
        onFollow: follow,
      }}
      i18nStrings={{
        overflowMenuTriggerText: text.shell.more,
        overflowMenuTitleText: text.shell.all,
        overflowMenuBackIconAriaLabel: text.shell.back,
        overflowMenuDismissIconAriaLabel: text.common.close,
      }}
      utilities={utilities}
    />
  );
}
