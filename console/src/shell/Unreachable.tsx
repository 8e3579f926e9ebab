// That nobody can tell yet whether somebody is signed in, because the server does not answer.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import { useEffect } from 'react';
import { text } from '../text';

export function Unreachable({ onRetry }: { onRetry: () => void }) {
  useEffect(() => {
    document.title = text.shell.product;
  }, []);
  return (
    <main>
      <Box padding={{ top: 'xxxl', horizontal: 'l' }}>
        <ContentLayout maxContentWidth={560} header={<Header variant="h1">{text.shell.product}</Header>}>
          <Alert
            type="warning"
            header={text.common.unreachable}
            action={<Button onClick={onRetry}>{text.common.retry}</Button>}
          >
            {text.common.unreachableHelp}
          </Alert>
        </ContentLayout>
      </Box>
    </main>
  );
}
