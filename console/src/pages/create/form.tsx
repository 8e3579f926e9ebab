// What the parts of the wizard share: the draft, what is wrong with it, and what can be chosen.
import FormField, { type FormFieldProps } from '@cloudscape-design/components/form-field';
import { createContext, useContext } from 'react';
import type { Draft } from '../../model/create/draft';
import type { InstanceOption } from '../../model/create/options';
import type { Problem } from '../../model/create/problems';

export interface Form {
  draft: Draft;
  /** Changes members of the draft; what does not fit them any more is replaced. */
  change: (changes: Partial<Draft>) => void;
  /** Says that a field was used, so that what is wrong with it is shown: after a pause, or soon if it is done. */
  touch: (field: string, isDone?: boolean) => void;
  /** What is wrong with the fields that were used, or that the person wanted to go past. */
  shown: Problem[];
  options: InstanceOption[];
}

const FormContext = createContext<Form | undefined>(undefined);
export const FormProvider = FormContext.Provider;

/** The form. Only parts of the wizard call this. */
export function useForm(): Form {
  const form = useContext(FormContext);
  if (!form) throw new Error('no form');
  return form;
}

/** The name of a field: an attribute, of a user or a tag if there are several. */
export function fieldName({ attribute, user, tag }: Pick<Problem, 'attribute' | 'user' | 'tag'>): string {
  const ofUser = user === undefined ? '' : `/user${user}`;
  return `${attribute}${ofUser}${tag === undefined ? '' : `/tag${tag}`}`;
}

/** What is wrong with a field, to be shown below it. */
export function useError(attribute: string, user?: number): string | undefined {
  const { shown } = useForm();
  const name = fieldName({ attribute, ...(user === undefined ? {} : { user }) });
  return shown.find((problem) => fieldName(problem) === name)?.message;
}

interface Props extends FormFieldProps {
  /** The member of CreateBroker. */
  attribute: string;
  user?: number;
}

/** A field that shows what is wrong with its attribute. */
export function Field({ attribute, user, ...rest }: Props) {
  return <FormField {...rest} errorText={useError(attribute, user)} />;
}
