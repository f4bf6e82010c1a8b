/* Enlarging works without this script, by :target. The script adds Escape, arrow keys, and a way back that keeps the place. */
(function () {
  "use strict";
  var shown = null;

  function closest(node, name) {
    while (node && !(node.classList && node.classList.contains(name))) { node = node.parentNode; }
    return node;
  }

  function show(panel) {
    if (shown) { hide(); }
    shown = panel;
    panel.classList.add("enlarged");
    panel.setAttribute("role", "dialog");
    panel.setAttribute("aria-modal", "true");
    panel.setAttribute("aria-label", panel.querySelector(".full").textContent);
    document.body.classList.add("still");
    panel.querySelector(".close").focus();
  }

  function hide() {
    var panel = shown;
    shown = null;
    panel.classList.remove("enlarged");
    panel.removeAttribute("role");
    panel.removeAttribute("aria-modal");
    panel.removeAttribute("aria-label");
    document.body.classList.remove("still");
    panel.querySelector(".open").focus();
  }

  function step(by) {
    var all = [].slice.call(closest(shown, "album").querySelectorAll(".panel"));
    show(all[(all.indexOf(shown) + by + all.length) % all.length]);
  }

  document.addEventListener("click", function (event) {
    var opener = closest(event.target, "open"), closer = closest(event.target, "close");
    if (event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    if (shown && (opener || closer || event.target === shown)) {
      event.preventDefault();
      hide();
    } else if (opener && !document.querySelector(".panel:target")) {
      event.preventDefault();
      show(closest(opener, "panel"));
    }
  });

  window.addEventListener("beforeprint", function () {
    [].slice.call(document.querySelectorAll("details")).forEach(function (part) { part.open = true; });
  });

  document.addEventListener("keydown", function (event) {
    var target = document.querySelector(".panel:target");
    if (!shown) {
      if (target && (event.key === "Escape" || event.key === "Esc")) { target.querySelector(".close").click(); }
      return;
    }
    if (event.key === "Escape" || event.key === "Esc") { hide(); }
    else if (event.key === "ArrowRight" || event.key === "Right") { step(1); }
    else if (event.key === "ArrowLeft" || event.key === "Left") { step(-1); }
    else if (event.key === "Tab") { shown.querySelector(".close").focus(); }
    else { return; }
    event.preventDefault();
  });
}());
