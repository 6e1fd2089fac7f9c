// What scripts add to the page: it stays fresh while somebody looks at it, and keys lead where people go ("?" shows them).
"use strict";

const main = document.querySelector("main");
const seconds = Number(main.dataset.live || 0);

function busy() {
  const active = document.activeElement;
  return document.hidden
    || (active && main.contains(active) && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName))
    || main.querySelector("input[type=checkbox]:checked, details[open]") !== null;
}

async function refresh() {
  if (busy()) return;
  try {
    const answer = await fetch(location.pathname + location.search.replace(/[?&]did=[^&]*/g, ""), { redirect: "error" });
    if (!answer.ok || busy()) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (fresh && fresh.innerHTML !== main.innerHTML) {
      const focused = document.activeElement && main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      main.replaceChildren(...fresh.childNodes);
      if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
  } catch {
    // the daemon is away; the next turn looks again
  }
}

if (seconds) setInterval(refresh, seconds * 1000);

const keys = document.getElementById("keys"), find = document.getElementById("find"), showKeys = document.getElementById("show-keys");
let going = -Infinity; // when "g" was pressed

showKeys?.removeAttribute("hidden");
showKeys?.addEventListener("click", () => { keys.showModal(); });

document.addEventListener("keydown", (event) => {
  if (!find) return;
  if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    find.focus();
    return;
  }
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName || "");
  if (typing || keys.open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.timeStamp - going < 1500) {
    going = -Infinity;
    document.querySelector(`header a[data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") {
    going = event.timeStamp;
  } else if (event.key === "/") {
    event.preventDefault();
    find.focus();
  } else if (event.key === "?") {
    event.preventDefault();
    keys.showModal();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.name !== "id") return;
  const chosen = event.target.form?.querySelector("input[name=scope][value=chosen]");
  if (chosen && event.target.checked) chosen.checked = true;
});

// Charts: what a bar stands for, at once and beside it.
document.addEventListener("pointerover", (event) => {
  const bar = event.target.closest?.(".chart g[data-says]");
  document.querySelectorAll(".tip").forEach((tip) => { tip.remove(); });
  if (!bar) return;
  const plot = bar.closest(".plot"), tip = document.createElement("div");
  tip.className = "tip";
  tip.textContent = bar.dataset.says;
  plot.append(tip);
  const place = bar.getBoundingClientRect(), whole = plot.getBoundingClientRect();
  const left = place.left - whole.left + place.width / 2 - tip.offsetWidth / 2;
  tip.style.left = `${Math.max(0, Math.min(left, whole.width - tip.offsetWidth))}px`;
});
