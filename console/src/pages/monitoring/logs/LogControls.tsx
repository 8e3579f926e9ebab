import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import { useState } from 'react';
import { groupKind, instanceOf } from '../../../model/loglines';
import type { RangeChoice } from '../../../model/range';
import { text } from '../../../text';
import { RangePicker } from '../graphs/Controls';
import type { Broker } from '../graphs/data';
import { type LogGroup, type Search, useStreams } from './data';

const words = text.monitoring.logs;

interface Props {
  broker: Broker;
  groups: LogGroup[];
  search: Search;
  choice: RangeChoice;
  isFollowing: boolean;
  isWrapped: boolean;
  patternError: string | undefined;
  onSearch: (search: Search) => void;
  onChoice: (choice: RangeChoice) => void;
  onFollow: (isFollowing: boolean) => void;
  onWrap: (isWrapped: boolean) => void;
}

/** Which lines are shown, and how. */
export function LogControls(props: Props) {
  const { broker, groups, search, choice, onSearch } = props;
  const [pattern, setPattern] = useState(search.pattern);
  const streams = useStreams(broker, search.group);
  const groupOptions = groups.map(({ logGroupName }) => {
    const kind = groupKind(logGroupName);
    return { value: logGroupName, label: words.groups[kind] ?? kind, description: logGroupName };
  });
  const streamOptions = [
    { value: '', label: words.allStreams },
    ...(streams.data ?? []).map((name) => {
      const ordinal = instanceOf(name);
      return { value: name, label: ordinal === undefined ? name : words.instance(ordinal) };
    }),
  ];
  const apply = () => onSearch({ ...search, pattern: pattern.trim() });
  const group = groupOptions.find(({ value }) => value === search.group);
  return (
    <SpaceBetween size="s">
      <SpaceBetween direction="horizontal" size="m" alignItems="end">
        <FormField label={words.group}>
          <Select
            options={groupOptions}
            selectedOption={group ? { value: group.value, label: group.label } : null}
            onChange={({ detail }) =>
              onSearch({ ...search, group: detail.selectedOption.value ?? search.group, stream: undefined })
            }
          />
        </FormField>
        <FormField label={words.stream}>
          <Select
            options={streamOptions}
            selectedOption={streamOptions.find(({ value }) => value === (search.stream ?? '')) ?? null}
            statusType={streams.isError ? 'error' : streams.isPending ? 'loading' : 'finished'}
            errorText={streams.error?.message}
            loadingText={text.common.loading}
            onChange={({ detail }) => onSearch({ ...search, stream: detail.selectedOption.value || undefined })}
          />
        </FormField>
        <FormField label={words.since}>
          <RangePicker range={choice} onChange={props.onChoice} />
        </FormField>
        <div className="mon-toggles">
          <Toggle checked={props.isFollowing} onChange={({ detail }) => props.onFollow(detail.checked)}>
            {words.follow}
          </Toggle>
          <Toggle checked={props.isWrapped} onChange={({ detail }) => props.onWrap(detail.checked)}>
            {words.wrap}
          </Toggle>
        </div>
      </SpaceBetween>
      <FormField label={words.filter} constraintText={words.filterHelp} errorText={props.patternError}>
        <div className="mon-filter">
          <Input
            type="search"
            value={pattern}
            placeholder={words.filterPlaceholder}
            spellcheck={false}
            clearAriaLabel={text.common.clearFilter}
            onChange={({ detail }) => {
              setPattern(detail.value);
              if (detail.value === '') onSearch({ ...search, pattern: '' });
            }}
            onKeyDown={({ detail }) => (detail.key === 'Enter' ? apply() : undefined)}
            onBlur={() => (pattern.trim() === search.pattern ? undefined : apply())}
          />
        </div>
      </FormField>
    </SpaceBetween>
  );
}
