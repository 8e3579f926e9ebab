// A password with its rules, and a button that makes one.
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState } from 'react';
import { generatePassword, passwordRules } from '../../model/password';
import { text } from '../../text';
import { Field } from './form';

interface Props {
  attribute: string;
  label: string;
  user?: number;
  value: string;
  onChange: (password: string) => void;
  onBlur: () => void;
  /** Whether the rules of the service hold for it, so that one can be made here. */
  hasRules?: boolean;
}

export function Password({ attribute, label, user, value, onChange, onBlur, hasRules = true }: Props) {
  const [isVisible, setVisible] = useState(false);
  const generate = () => {
    onChange(generatePassword((bytes) => crypto.getRandomValues(bytes)));
    setVisible(true);
  };
  return (
    <SpaceBetween size="xs">
      <Field
        attribute={attribute}
        {...(user === undefined ? {} : { user })}
        label={label}
        secondaryControl={
          <SpaceBetween direction="horizontal" size="xs" alignItems="center">
            {hasRules ? (
              <Button ariaLabel={text.create.generatePassword} onClick={generate}>
                {text.create.generate}
              </Button>
            ) : null}
            <Button
              ariaLabel={isVisible ? text.create.hidePassword : text.create.showPassword}
              onClick={() => setVisible(!isVisible)}
            >
              {isVisible ? text.create.hide : text.create.show}
            </Button>
            {hasRules && value ? (
              <CopyToClipboard
                variant="icon"
                textToCopy={value}
                copyButtonAriaLabel={text.create.copyPassword}
                copySuccessText={text.common.copied}
                copyErrorText={text.common.failed}
              />
            ) : null}
          </SpaceBetween>
        }
      >
        <Input
          value={value}
          type={isVisible ? 'text' : 'password'}
          ariaRequired
          autoComplete="new-password"
          spellcheck={false}
          onBlur={onBlur}
          onChange={({ detail }) => onChange(detail.value)}
        />
      </Field>
      {hasRules ? <Rules password={value} /> : null}
    </SpaceBetween>
  );
}

function Rules({ password }: { password: string }) {
  return (
    <Box fontSize="body-s">
      <SpaceBetween direction="horizontal" size="s">
        {passwordRules(password).map(({ id, isKept }) => {
          // Before anything is entered, nothing is right or wrong.
          const type = password === '' ? 'pending' : isKept ? 'success' : 'error';
          const told = isKept ? text.create.kept : text.create.notKept;
          return (
            <StatusIndicator key={id} type={type} iconAriaLabel={password === '' ? '' : told}>
              {text.create.rules[id]}
            </StatusIndicator>
          );
        })}
      </SpaceBetween>
    </Box>
  );
}
