// Keeps the thread as the server has it, and sends what a visitor types. No build step, no library.

const PAUSE_MS = 700;
const thread = document.getElementById("thread");
const form = document.getElementById("write");

if (thread && form) {
  form.addEventListener("submit", send);
  form.addEventListener("keydown", sendByKeys);
  thread.addEventListener("click", startEdit);
  document.getElementById("example").addEventListener("click", useExample);
  document.getElementById("switches").addEventListener("click", press);
  document.getElementById("visibility").addEventListener("click", changeVisibility);
  document.getElementById("attach").addEventListener("change", attach);
  follow();
}

async function follow() {
  for (;;) {
    await refresh().catch(() => {}); // a server that restarts is there again in a moment
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
}

async function refresh() {
  const answer = await fetch(thread.dataset.source, { cache: "no-cache" });
  if (answer.ok) patch((await answer.json()).comments);
}

function patch(comments) {
  const wanted = new Set(comments.map(({ anchor }) => anchor));
  for (const entry of thread.querySelectorAll(".entry[data-id]")) {
    if (!wanted.has(entry.id) && entry.dataset.id) entry.remove();
  }
  for (const { anchor, version, html } of comments) {
    const old = document.getElementById(anchor);
    if (old && (old.dataset.version === version || old.querySelector("form"))) continue;
    const fresh = parse(html);
    if (old) {
      keepWhatWasSeen(old, fresh);
      old.replaceWith(fresh);
    } else {
      thread.append(fresh);
    }
  }
}

function parse(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html; // sanitised where it was made
  return holder.content.querySelector(".entry");
}

// Open parts stay open, and pictures that are loaded are not loaded again.
function keepWhatWasSeen(old, fresh) {
  const open = [...old.querySelectorAll("details")].map((each) => each.open);
  fresh.querySelectorAll("details").forEach((each, index) => {
    if (index in open) each.open = open[index];
  });
  const pictures = new Map([...old.querySelectorAll("img")].map((each) => [each.src, each]));
  for (const each of fresh.querySelectorAll("img")) {
    const same = pictures.get(each.src);
    if (same && same.outerHTML === each.outerHTML) each.replaceWith(same);
    pictures.delete(each.src);
  }
}

async function send(event) {
  event.preventDefault();
  const { user, body } = form.elements;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  const issue = Number(form.dataset.issue);
  const sent = await call("POST", "/sim/comments", { user: user.value, issue, body: body.value });
  button.disabled = false;
  showError(form, sent);
  if (sent.ok) {
    body.value = "";
    await refresh();
    thread.lastElementChild.scrollIntoView({ block: "center" });
  }
}

async function press(event) {
  const name = event.target.dataset.switch;
  if (!name) return;
  const answer = await call("POST", "/sim/switches", { name });
  const said = document.querySelector("#switches .said");
  said.textContent = answer.ok ? answer.says : answer.message;
  said.hidden = false;
}

async function changeVisibility() {
  const answer = await call("POST", "/sim/visibility", {});
  if (answer.ok) location.reload();
}

// The address stands in the comment, as on GitHub, and a batch in it may name that.
async function attach(event) {
  const [file] = event.target.files;
  if (!file) return;
  const sent = await call("POST", "/sim/attachments", file, file.type);
  showError(form, sent);
  if (sent.ok) form.elements.body.value += `\n![${file.name.replace(/[\[\]\\]/g, "")}](${sent.url})\n`;
  event.target.value = "";
}

function sendByKeys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
}

function useExample() {
  const codes = thread.querySelectorAll(".entry:first-child pre code");
  if (codes.length === 0) return;
  form.elements.body.value = codes[0].textContent.trimEnd();
  form.elements.body.focus();
  form.scrollIntoView({ block: "center" });
}

async function startEdit(event) {
  const entry = event.target.closest("button.edit")?.closest(".entry");
  if (!entry || entry.querySelector("form")) return;
  const address = `/sim/comments/${entry.dataset.id}`;
  const { body } = await (await fetch(address)).json();
  const editor = document.getElementById("editor").content.cloneNode(true).querySelector("form");
  editor.elements.body.value = body;
  editor.querySelector("[type=submit]").textContent = `Save as ${form.elements.user.value}`;
  entry.querySelector(".markdown").after(editor);
  editor.elements.body.focus();
  editor.querySelector(".cancel").addEventListener("click", () => editor.remove());
  editor.addEventListener("submit", async (submitted) => {
    submitted.preventDefault();
    const change = { user: form.elements.user.value, body: editor.elements.body.value };
    const sent = await call("PATCH", address, change);
    showError(editor, sent);
    if (sent.ok) {
      editor.remove();
      await refresh();
    }
  });
}

async function call(method, address, content, type = "application/json") {
  const headers = { "content-type": type };
  const body = content instanceof Blob ? content : JSON.stringify(content);
  try {
    const answer = await fetch(address, { method, headers, body });
    return { ok: answer.ok, ...(await answer.json()) };
  } catch {
    return { ok: false, message: "The simulated GitHub does not answer. Is it still running?" };
  }
}

function showError(place, { ok, message, errors }) {
  const line = place.querySelector(".error");
  line.hidden = ok;
  line.textContent = ok ? "" : (errors?.[0]?.message ?? message);
}
