// The same request as code.
import Box from '@cloudscape-design/components/box';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useState } from 'react';
import { useSession } from '../../api/session';
import type { CreateBrokerRequest } from '../../model/create/draft';
import { equivalent, type Language, LANGUAGES } from '../../model/equivalent';
import { text } from '../../text';
import './code.css';

export function Equivalent({ request }: { request: CreateBrokerRequest }) {
  const { region, apiUrl } = useSession();
  const [language, setLanguage] = useState<Language>('cli');
  return (
    <ExpandableSection
      variant="container"
      headerText={text.create.equivalent}
      headerDescription={text.create.equivalentHelp}
    >
      <Tabs
        activeTabId={language}
        onChange={({ detail }) => setLanguage(detail.activeTabId as Language)}
        ariaLabel={text.create.equivalent}
        tabs={LANGUAGES.map((id) => ({
          id,
          label: text.create.languages[id],
          content: <Code language={id} code={equivalent(id, request, { region, apiUrl })} />,
        }))}
      />
    </ExpandableSection>
  );
}

function Code({ language, code }: { language: Language; code: string }) {
  const name = text.create.languages[language];
  return (
    <SpaceBetween size="s">
      {language === 'cloudformation' ? <Box color="text-body-secondary">{text.create.onlyAws}</Box> : null}
      <CopyToClipboard
        variant="button"
        textToCopy={code}
        copyButtonText={text.common.copy}
        copyButtonAriaLabel={text.create.copyCode(name)}
        copySuccessText={text.common.copied}
        copyErrorText={text.common.failed}
      />
      <pre className="code" data-language={language}>
        {code}
      </pre>
    </SpaceBetween>
  );
}
