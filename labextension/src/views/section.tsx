/** A part of the panel with a heading that folds it.  Imports nothing of ours. */
import * as React from 'react';

/** Properties of `Section`. */
export interface ISectionProps {
  /** Short name, for the DOM and for tests. */
  name: string;
  title: string;
  /** What stands at the right of the heading. */
  aside?: React.ReactNode;
  children: React.ReactNode;
}

/** A region with a heading; folded and opened by mouse or keyboard. */
export function Section(props: ISectionProps): JSX.Element {
  const [open, setOpen] = React.useState(true);
  const id = `jp-Green-${props.name}`;
  return (
    <section
      className="jp-GreenSection"
      data-green-section={props.name}
      aria-labelledby={`${id}-title`}
    >
      <div className="jp-GreenSection-header">
        <h2 id={`${id}-title`} className="jp-GreenSection-title">
          <button
            type="button"
            className="jp-GreenSection-toggle"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            <span className="jp-GreenSection-caret" aria-hidden="true" />
            {props.title}
          </button>
        </h2>
        {open && props.aside}
      </div>
      <div id={id} className="jp-GreenSection-body" hidden={!open}>
        {open && props.children}
      </div>
    </section>
  );
}
