import { server, trustOf } from "../state/trust";
import { Icon } from "./Icon";

/** Who served this page, and what that means. */
export function Trust() {
  const by = server.value?.by;
  const said = by === undefined ? null : trustOf(by, location.host, isSecureContext);
  return (
    <section class="trust" data-grade={said?.grade} aria-label="Who served this page">
      <p><Icon name="lock" /><span>The session is end-to-end encrypted.</span></p>
      {said !== null && (
        <p>
          <Icon name="shield" />
          <span>
            <b>{said.title}.</b> {said.text}
            {said.canDoBetter && <> To trust nobody but yourself, run <code>cahoots view</code> with your link.</>}
          </span>
        </p>
      )}
    </section>
  );
}
