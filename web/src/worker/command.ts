// Says to the core what the host is to do.

import type { Command } from "../shared/messages";
import type { Core } from "./core";

/** Returns the core's number of the command; throws why it was not sent. */
export function command(core: Core, asked: Command): number {
  switch (asked.do) {
    case "makeLink":
      return core.makeLink(asked.mayType, asked.lastsS, asked.membersMax, asked.approve, asked.once);
    case "revoke":
      return core.revoke(asked.share);
    case "revokeAll":
      return core.revokeAll();
    case "kick":
      return core.kick(asked.member);
    case "admit":
      return core.admit(asked.member, asked.accept);
    case "setPolicy":
      return core.setPolicy(asked.pane, asked.policy);
    case "grant":
      return core.grant(asked.pane, asked.member);
    case "answerLine":
      return core.answerLine(asked.pane, asked.member, asked.line, asked.accept);
  }
}
