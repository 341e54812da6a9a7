import type { App } from "../app.ts";
import type { Conversation } from "../conversation.ts";
import {
  administrates,
  mayAs,
  outranks,
  type Permission,
  type PermissionName,
  permissionIn,
  permissionLabels,
  permissions,
} from "../group-settings.ts";
import { type Drawn, el } from "../render.ts";
import { exactText } from "../times.ts";
import type { Member, Role } from "../wire.ts";
import { avatar, button, count, field, iconButton } from "./parts.ts";
import { secondTabButton, secondTabLink } from "./second-tab.ts";
import { personText, statusText } from "./status.ts";

/** What a conversation is: its members, roles and rules. */
export function detailsView(app: App, conversation: Conversation): Drawn {
  const title = app.titleOf(conversation);
  const other = app.otherIn(conversation);
  const person = app.people.known.find(({ id }) => id === other);
  return el(
    "div",
    { class: "panel-body details", key: `details ${conversation.id}` },
    el(
      "div",
      { class: "details-head" },
      avatar(other ?? conversation.id, title, { size: "large", isGroup: other === null }),
      el("h3", {}, title),
      el("p", {}, statusText(app, conversation)),
      person ? secondTabLink(person) : null,
    ),
    conversation.type === "group" ? groupSections(app, conversation) : null,
    factsOf(conversation),
  );
}

function groupSections(app: App, conversation: Conversation): Drawn {
  const role = conversation.roleOf(app.account.userId);
  const mayAdd = mayAs(role, conversation.metadata, "add_members_permission");
  return el(
    "div",
    { class: "sections" },
    administrates(role) ? renameForm(app, conversation) : null,
    el(
      "section",
      { "aria-label": "Members" },
      el(
        "div",
        { class: "section-head" },
        el("h4", {}, count(conversation.members.size, "member")),
        mayAdd
          ? button("Add", () => app.showDialog({ type: "add-members" }), { class: "quiet", symbol: "plus" })
          : null,
      ),
      el(
        "ul",
        { class: "members" },
        ...sorted(app, conversation).map((member) => memberRow(app, conversation, member)),
      ),
    ),
    permissionSection(app, conversation, administrates(role)),
    button("Leave the group", () => app.onConversations.askToLeave(conversation), {
      class: "danger wide",
      symbol: "leave",
    }),
  );
}

function renameForm(app: App, conversation: Conversation): Drawn {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const name = String(new FormData(event.target as HTMLFormElement).get("name")).trim();
    if (name !== "" && name !== conversation.name) void app.onConversations.rename(conversation, name);
  };
  return el(
    "form",
    { class: "rename", key: `rename ${conversation.id} ${conversation.name}`, on: { submit } },
    field(
      "Name",
      el("input", {
        name: "name",
        maxlength: "100",
        autocomplete: "off",
        required: true,
        mounted: (input: HTMLInputElement) => {
          input.value = conversation.name ?? "";
        },
      }),
    ),
    button("Rename", () => {}, { type: "submit" }),
  );
}

const roleOrder: Readonly<Record<Role, number>> = { owner: 0, admin: 1, moderator: 2, member: 3 };

function sorted(app: App, { members }: Conversation): readonly Member[] {
  return [...members.values()].sort(
    (one, other) =>
      roleOrder[one.role] - roleOrder[other.role] ||
      app.people.nameOf(one.user_id).localeCompare(app.people.nameOf(other.user_id), "en"),
  );
}

function memberRow(app: App, conversation: Conversation, { user_id: userId, role }: Member): Drawn {
  const ownRole = conversation.roleOf(app.account.userId);
  const isSelf = userId === app.account.userId;
  const mayChange = !isSelf && administrates(ownRole) && outranks(ownRole, role);
  const name = app.people.nameOf(userId);
  return el(
    "li",
    { class: "member", key: userId },
    avatar(userId, name, {
      size: "small",
      availability: app.presenceOf(userId),
    }),
    el(
      "span",
      { class: "member-text" },
      el("span", { class: "member-name" }, isSelf ? `${name} (you)` : name),
      el(
        "span",
        { class: "member-status" },
        isSelf ? (app.presenceOf(userId) ?? "") : personText(app, userId),
      ),
    ),
    isSelf ? null : secondTabAs(app, userId),
    mayChange ? roleChoice(app, conversation, userId, role) : el("span", { class: "role" }, role),
    mayChange
      ? iconButton(
          "close",
          `Remove ${name}`,
          () => app.onConversations.askToRemoveMember(conversation, userId),
          { class: "small" },
        )
      : null,
  );
}

function secondTabAs(app: App, userId: string): Drawn | null {
  const person = app.people.known.find(({ id }) => id === userId);
  return person ? secondTabButton(person, { class: "small" }) : null;
}

const givenRoles: readonly Role[] = ["admin", "moderator", "member"];

function roleChoice(app: App, conversation: Conversation, userId: string, role: Role): Drawn {
  const isOwner = conversation.roleOf(app.account.userId) === "owner";
  const change = async (event: Event) => {
    const chosen = event.target as HTMLSelectElement;
    if (chosen.value === "owner") {
      chosen.value = role;
      return app.onConversations.askToMakeOwner(conversation, userId);
    }
    const isDone = await app.onConversations.setRole(conversation, userId, chosen.value as Role);
    if (!isDone) chosen.value = role;
  };
  return el(
    "select",
    {
      class: "role-choice",
      "aria-label": `Role of ${app.people.nameOf(userId)}`,
      value: role,
      on: { change: (event: Event) => void change(event) },
    },
    ...givenRoles.map((each) => el("option", { value: each }, each)),
    isOwner ? el("option", { value: "owner" }, "Make owner …") : null,
  );
}

function permissionSection(app: App, conversation: Conversation, mayChange: boolean): Drawn {
  const names = Object.keys(permissions) as PermissionName[];
  return el(
    "section",
    { "aria-label": "Permissions" },
    el("div", { class: "section-head" }, el("h4", {}, "Who may")),
    ...names.map((name) => permissionRow(app, conversation, name, mayChange)),
  );
}

function permissionRow(
  app: App,
  conversation: Conversation,
  name: PermissionName,
  mayChange: boolean,
): Drawn {
  const { label } = permissions[name];
  const value = permissionIn(conversation.metadata, name);
  if (!mayChange) {
    return el(
      "p",
      { class: "permission" },
      el("span", {}, label),
      el("span", { class: "role" }, permissionLabels[value]),
    );
  }
  const change = (event: Event) =>
    void app.onConversations.setPermission(
      conversation,
      name,
      (event.target as HTMLSelectElement).value as Permission,
    );
  return el(
    "label",
    { class: "permission" },
    el("span", {}, label),
    el(
      "select",
      { class: "role-choice", value, on: { change } },
      ...Object.entries(permissionLabels).map(([each, text]) => el("option", { value: each }, text)),
    ),
  );
}

/** For who reads along: the numbers of README.md. */
function factsOf(conversation: Conversation): Drawn {
  const facts = [
    ["Id", conversation.id],
    ["seq", String(conversation.seq)],
    ["rev", String(conversation.rev)],
    ["Begun", exactText(conversation.createdAt)],
  ] as const;
  return el(
    "dl",
    { class: "facts" },
    ...facts.flatMap(([name, value]) => [
      el("dt", { key: `t ${name}` }, name),
      el("dd", { key: `d ${name}` }, value),
    ]),
  );
}
