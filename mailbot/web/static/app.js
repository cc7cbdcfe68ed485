// Only makes quicker what links and forms do anyway. No framework, no state that the server does not know.
"use strict";
(() => {
  const all = (css, root = document) => [...root.querySelectorAll(css)];
  const one = (css, root = document) => root.querySelector(css);

  // ---------------------------------------------------------------- keys
  const pressed = (e) => (e.ctrlKey || e.metaKey ? "Control+" : "") + (e.key.length === 1 ? e.key.toLowerCase() : e.key);
  const writing = (el) => el && el.matches("input:not([type=radio]):not([type=checkbox]), textarea, select");
  let first = "";

  document.addEventListener("keydown", (e) => {
    if (e.altKey || e.isComposing || one("dialog[open]")) return;
    let key = pressed(e);
    if (writing(document.activeElement) && !key.startsWith("Control+")) {
      if (key === "Escape") { document.activeElement.blur(); e.preventDefault(); }
      return;
    }
    if (key === "?" || (e.shiftKey && key === "/")) { show(); e.preventDefault(); return; }
    if (key === "g" && !first) { first = "g "; setTimeout(() => { first = ""; }, 1500); return; }
    key = first + key; first = "";
    if (row(key)) { e.preventDefault(); return; }
    if (key === "e") { const doubt = one("[data-doubt]") || one(".person input"); if (doubt) { doubt.focus(); doubt.select(); e.preventDefault(); } return; }
    if (key === "[" || key === "]") { const next = person(key === "]" ? 1 : -1); if (next) { next.click(); e.preventDefault(); } return; }
    const target = all("[data-key]").find((el) => el.dataset.key === key || (key === "=" && el.dataset.key === "+"));
    if (!target) return;
    e.preventDefault();
    if (target.matches("input, textarea")) { target.focus(); target.select(); }
    else if ("focus" in target.dataset) { target.focus(); target.scrollIntoView({ block: "nearest" }); }
    else target.click();
  });

  function row(key) {
    const rows = all("[data-row]");
    if (!rows.length || !["j", "k", "ArrowDown", "ArrowUp"].includes(key)) return false;
    const at = rows.indexOf(document.activeElement), step = key === "j" || key === "ArrowDown" ? 1 : -1;
    rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))].focus();
    return true;
  }

  function person(step) {
    const people = all("[data-person]"), at = people.findIndex((a) => a.hasAttribute("aria-current"));
    return people.length > 1 ? people[(at + step + people.length) % people.length] : null;
  }

  const names = { ArrowLeft: "←", ArrowRight: "→", "Control+Enter": "Ctrl Enter", "Control+s": "Ctrl S", Escape: "Esc" };
  function show() {
    const dialog = one("#keys"), list = one("dl", dialog);
    if (!dialog) return;
    list.replaceChildren();
    const add = (keys, says) => {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      for (const k of keys) { const kbd = document.createElement("kbd"); kbd.textContent = names[k] || k; dt.append(kbd, " "); }
      dd.textContent = says; list.append(dt, dd);
    };
    if (one("[data-row]")) { add(["j", "k"], "Berkas berikutnya, sebelumnya"); add(["Enter"], "Buka berkas"); }
    if (one(".person")) add(["e"], "Data pertama yang perlu diperiksa");
    if (all("[data-person]").length > 1) add(["[", "]"], "Orang sebelumnya, berikutnya");
    for (const el of all("[data-key][data-say]")) add(el.dataset.key.split(" "), el.dataset.say);
    dialog.showModal();
  }
  document.addEventListener("click", (e) => { if (e.target.closest("[data-help]")) { e.preventDefault(); show(); } });

  // ---------------------------------------------------------------- the scan
  const zooms = ["100", "150", "200", "300"];
  const sheet = () => one(".sheet");
  const mode = (kind) => [...sheet().classList].find((c) => c.startsWith(kind)).slice(kind.length);
  const set = (kind, value) => { sheet().classList.remove(kind + mode(kind)); sheet().classList.add(kind + value); };

  function page(key) {
    const link = all(".thumbs a").find((a) => a.dataset.show === key), image = one("#pageimage");
    if (!link || !image) return false;
    if (!link.hasAttribute("aria-current")) {
      all(".thumbs a[aria-current]").forEach((a) => a.removeAttribute("aria-current"));
      link.setAttribute("aria-current", "true");
      link.scrollIntoView({ block: "nearest" });
      image.src = image.dataset.base + key.replace("-", "/") + "/besar";
      image.alt = "Pindaian " + link.dataset.title;
      one("#pagetitle").textContent = link.dataset.title;
      all(".boxes g").forEach((g) => g.classList.toggle("on", g.dataset.page === key));
      one(".paper").scrollTo(0, 0);
    }
    return true;
  }

  function light(name, key) {
    all(".boxes rect.lit").forEach((r) => r.classList.remove("lit"));
    const found = all(".boxes rect").find((r) => r.dataset.name === name && r.dataset.page === key);
    if (!found) return;
    found.classList.add("lit");
    const paper = one(".paper"), box = found.getBoundingClientRect(), frame = paper.getBoundingClientRect();
    if (box.top < frame.top || box.bottom > frame.bottom) paper.scrollTop += box.top - frame.top - frame.height / 3;
    if (box.left < frame.left || box.right > frame.right) paper.scrollLeft += box.left - frame.left - frame.width / 4;
  }

  function turnTo(step) {
    const links = all(".thumbs a"), at = links.findIndex((a) => a.hasAttribute("aria-current"));
    if (links.length) page(links[(at + step + links.length) % links.length].dataset.show);
  }
  const does = {
    prev: () => turnTo(-1), next: () => turnTo(1), turn: () => set("turn-", String((Number(mode("turn-")) + 90) % 360)),
    in: () => set("zoom-", zooms[Math.min(3, zooms.indexOf(mode("zoom-")) + 1)]), out: () => set("zoom-", zooms[Math.max(0, zooms.indexOf(mode("zoom-")) - 1)]),
    fit: () => { set("zoom-", "100"); set("turn-", "0"); },
  };
  document.addEventListener("click", (e) => {
    const tool = e.target.closest("[data-do]"), shown = e.target.closest("a[data-show]"), used = e.target.closest("[data-use]"), copied = e.target.closest("[data-copy]");
    if (tool && sheet()) { e.preventDefault(); does[tool.dataset.do](); }
    else if (shown && page(shown.dataset.show)) { e.preventDefault(); if (shown.dataset.mark) light(shown.dataset.mark, shown.dataset.show); }
    else if (used) { const input = document.getElementById(used.dataset.for); input.value = used.dataset.use; input.focus(); }
    else if (copied) copy(copied);
  });
  for (const kind of ["focusin", "mouseover"]) document.addEventListener(kind, (e) => {
    const el = e.target.closest && e.target.closest("[data-show][data-mark]:not(a)");
    if (el && page(el.dataset.show)) light(el.dataset.mark, el.dataset.show);
  });

  // ---------------------------------------------------------------- copy
  async function copy(button) {
    const text = button.dataset.copy;
    try { await navigator.clipboard.writeText(text); }
    catch { // no HTTPS: the old way
      const area = document.createElement("textarea");
      area.value = text; area.className = "sr"; document.body.append(area); area.select(); document.execCommand("copy"); area.remove(); button.focus();
    }
    button.classList.add("done"); button.firstChild.textContent = "Tersalin ";
    setTimeout(() => { button.classList.remove("done"); button.firstChild.textContent = "Salin "; }, 1500);
  }

  // ---------------------------------------------------------------- files dropped on the form
  const drop = one(".drop"), files = drop && one("input[type=file]", drop);
  if (files) {
    const tell = () => { one("output", drop).textContent = [...files.files].map((f) => f.name).join(", "); };
    for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (e) => { e.preventDefault(); drop.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
    drop.addEventListener("drop", (e) => { e.preventDefault(); files.files = e.dataTransfer.files; tell(); });
    files.addEventListener("change", tell);
  }

  // a second click while the first is under way must not send twice
  document.addEventListener("submit", (e) => {
    if (e.target.method === "post") setTimeout(() => all("button", e.target).forEach((b) => { b.disabled = true; }), 0);
  });
  window.addEventListener("pageshow", (e) => { if (e.persisted) all("button:disabled").forEach((b) => { b.disabled = false; }); });
  // a list that renews itself keeps the chosen row
  let chosen = "";
  document.addEventListener("htmx:beforeSwap", () => { const r = document.activeElement && document.activeElement.closest(".row"); chosen = r ? r.id : ""; });
  document.addEventListener("htmx:afterSettle", () => { const link = chosen && one("#" + chosen + " [data-row]"); if (link) link.focus(); });
})();
