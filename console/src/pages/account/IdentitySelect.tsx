// Chooses a user, a group, a role or a managed policy of the account.
import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import { useQuery } from '@tanstack/react-query';
import { allPages } from '../../shared/usePages';
import { text } from '../../text';
import { type Kind, keys, listIdentities, listPolicies, MAX_ON_A_PAGE } from './iam';

interface Props {
  kind: Kind;
  label: string;
  value: string | undefined;
  onChange: (name: string | undefined) => void;
}

export function IdentitySelect({ kind, label, value, onChange }: Props) {
  const query = useQuery({
    queryKey: [...keys.list(kind), 'all'],
    queryFn: () => allPages((token) => listIdentities(kind, MAX_ON_A_PAGE, token)),
  });
  const options = (query.data ?? []).map(({ name, path }) => ({
    value: name,
    label: name,
    ...(path === '/' ? {} : { description: path }),
  }));
  return (
    <FormField label={label} errorText={query.error?.message}>
      <Select
        selectedOption={value ? { value, label: value } : null}
        options={options}
        filteringType="auto"
        filteringAriaLabel={label}
        virtualScroll
        expandToViewport
        placeholder={label}
        statusType={query.isPending ? 'loading' : 'finished'}
        loadingText={text.common.loading}
        empty={text.common.noMatch}
        noMatch={text.common.noMatch}
        onChange={({ detail }) => onChange(detail.selectedOption.value)}
      />
    </FormField>
  );
}

interface PolicyProps {
  value: string | undefined;
  onChange: (arn: string | undefined) => void;
  /** Policies that are not offered. */
  without?: string[];
}

/** Chooses a managed policy, of the account or of AWS, by its ARN. */
export function PolicySelect({ value, onChange, without = [] }: PolicyProps) {
  const query = useQuery({
    queryKey: [...keys.list('policy'), 'All', 'all'],
    queryFn: () => allPages((token) => listPolicies('All', MAX_ON_A_PAGE, token)),
  });
  const offered = (query.data ?? []).filter(({ arn }) => !without.includes(arn));
  const isAws = (arn: string) => arn.startsWith('arn:aws:iam::aws:');
  const group = (label: string, ofAws: boolean) => ({
    label,
    options: offered
      .filter(({ arn }) => isAws(arn) === ofAws)
      .map(({ arn, name, description }) => ({ value: arn, label: name, ...(description ? { description } : {}) })),
  });
  const words = text.account.policies;
  return (
    <FormField label={words.choose} errorText={query.error?.message}>
      <Select
        selectedOption={value ? { value, label: value.split('/').pop() ?? value } : null}
        options={[group(words.scopes.Local, false), group(words.scopes.AWS, true)].filter(
          ({ options }) => options.length,
        )}
        filteringType="auto"
        filteringAriaLabel={words.choose}
        expandToViewport
        placeholder={words.choose}
        statusType={query.isPending ? 'loading' : 'finished'}
        loadingText={text.common.loading}
        empty={text.common.noMatch}
        noMatch={text.common.noMatch}
        onChange={({ detail }) => onChange(detail.selectedOption.value)}
      />
    </FormField>
  );
}
