import { COLOURS, colourOf, type Person } from "../state/people";
import { Avatar } from "./Avatar";

/** A name and a colour: what others see of somebody. */
export function PersonFields({ person, onChange, autoFocus = false }: {
  person: Person;
  onChange: (person: Person) => void;
  autoFocus?: boolean;
}) {
  return (
    <div class="person-fields">
      <label class="field">
        Your name
        <span class="with-avatar">
          <Avatar name={person.name} colour={person.colour} />
          <input
            type="text"
            autoComplete="nickname"
            maxLength={40}
            autoFocus={autoFocus}
            value={person.name}
            onInput={(event) => onChange({ ...person, name: event.currentTarget.value })}
          />
        </span>
      </label>
      <fieldset class="swatches">
        <legend>Your colour</legend>
        {COLOURS.map((name, colour) => (
          <label key={name} class="swatch" title={name}>
            <input
              type="radio"
              name="colour"
              checked={colour === person.colour}
              onChange={() => onChange({ ...person, colour })}
              aria-label={name}
            />
            <span style={{ background: colourOf(colour) }} />
          </label>
        ))}
      </fieldset>
    </div>
  );
}
