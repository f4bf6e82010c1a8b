/* The table of all photographs: sorted by its headings, filtered by the fields above it; a row's place in the charts. */
(function () {
  "use strict";
  var table = document.querySelector(".everybody"), body = table.tBodies[0];
  var rows = [].slice.call(body.rows), lang = document.documentElement.lang;
  var pinned = null, sorted = null;

  function list(selector) { return [].slice.call(document.querySelectorAll(selector)); }
  function field(id) { return document.getElementById(id); }

  /* What a cell is sorted by: what it says it is, or else its words. */
  function key(cell, numeric) {
    var text = cell.getAttribute("data-v");
    if (text === null) { text = cell.textContent.trim(); }
    if (!numeric) { return text.toLowerCase(); }
    return parseFloat(text.replace(",", "."));
  }

  function sortBy(heading, column) {
    var numeric = heading.getAttribute("data-sort") === "number";
    var down = sorted === heading && heading.getAttribute("aria-sort") === "ascending";
    var keyed = rows.map(function (row, number) { return { row: row, number: number, key: key(row.cells[column], numeric) }; });
    keyed.sort(function (a, b) {
      var empty = numeric ? isNaN(a.key) - isNaN(b.key) : (a.key === "") - (b.key === "");
      /* What has no value stays last in both directions. */
      if (empty) { return empty; }
      var order = numeric ? (a.key - b.key || 0) : a.key.localeCompare(b.key, lang, { numeric: true });
      return (down ? -order : order) || a.number - b.number;
    });
    if (sorted) { sorted.removeAttribute("aria-sort"); }
    sorted = heading;
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    var all = document.createDocumentFragment();
    keyed.forEach(function (one) { all.appendChild(one.row); });
    body.appendChild(all);
  }

  [].slice.call(table.tHead.rows[0].cells).forEach(function (heading, column) {
    if (!heading.hasAttribute("data-sort")) { return; }
    var button = document.createElement("button");
    button.type = "button";
    while (heading.firstChild) { button.appendChild(heading.firstChild); }
    heading.appendChild(button);
    button.addEventListener("click", function () { sortBy(heading, column); });
  });

  /* Letters with and without accents are found alike where the browser can tell. */
  function plain(text) {
    text = text.toLowerCase();
    return text.normalize ? text.normalize("NFD").replace(/[\u0300-\u036f]/g, "") : text;
  }
  var texts = rows.map(function (row) {
    return plain([1, 2, 3].map(function (n) { return row.cells[n].textContent + " " + (row.cells[n].getAttribute("data-v") || ""); }).join(" "));
  });

  function filter() {
    var words = plain(field("words").value).split(/\s+/), grade = field("grade").value;
    var eye = field("eye") ? field("eye").value : "", outside = field("outside").checked, count = 0;
    rows.forEach(function (row, number) {
      var fits = (!grade || row.getAttribute("data-grade") === grade) && (!eye || row.getAttribute("data-eye") === eye) &&
        (!outside || row.getAttribute("data-outside") !== "0") &&
        words.every(function (word) { return texts[number].indexOf(word) >= 0; });
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    var told = field("shown");
    told.textContent = told.getAttribute("data-pattern").replace("{shown}", count).replace("{all}", rows.length);
  }
  ["words", "grade", "eye", "outside"].forEach(function (id) {
    if (field(id)) { field(id).addEventListener("input", filter); field(id).addEventListener("change", filter); }
  });
  document.querySelector(".filters").addEventListener("submit", function (event) { event.preventDefault(); });
  filter();

  /* Distributions */
  var charts = list(".distribution"), columns = null;
  var pattern = charts.length ? document.querySelector(".distributions").getAttribute("data-rank") : "";

  function values(row) {
    return row.getAttribute("data-values").split(",").map(function (text) { return text === "" ? NaN : Number(text); });
  }
  /* All values of each chart; read when they are first needed. */
  function all() {
    if (!columns) {
      columns = charts.map(function () { return []; });
      rows.forEach(function (row) {
        values(row).forEach(function (value, n) { if (!isNaN(value) && columns[n]) { columns[n].push(value); } });
      });
    }
    return columns;
  }
  function said(value, digits) {
    var text = value.toFixed(digits).replace("-", "\u2212");
    return lang === "en" ? text : text.replace(".", ",");
  }

  function place(row) {
    var own = row ? values(row) : [];
    charts.forEach(function (chart, n) {
      function data(name) { return Number(chart.getAttribute("data-" + name)); }
      var here = chart.querySelector(".here"), words = chart.querySelector(".rank-words"), value = own[n], x, others, unit;
      if (value === undefined || isNaN(value)) {
        here.setAttribute("visibility", "hidden");
        words.textContent = "";
        return;
      }
      x = data("left") + (value * data("scale") - data("low")) / (data("high") - data("low")) * (data("right") - data("left"));
      here.setAttribute("transform", "translate(" + x.toFixed(1) + " 0)");
      here.setAttribute("visibility", "visible");
      others = all()[n];
      unit = chart.getAttribute("data-unit");
      words.textContent = pattern.replace("{value}", said(value * data("scale"), data("digits")) + (unit ? "\u00a0" + unit : ""))
        .replace("{share}", Math.round(100 * others.filter(function (other) { return other < value; }).length / others.length))
        .replace("{count}", others.length);
    });
  }

  /* The charts at the lower edge must not cover the row that they are about. */
  function keepInView(row) {
    var dock = document.querySelector(".docked"), box = row.getBoundingClientRect();
    var hidden = box.bottom - (dock ? dock.getBoundingClientRect().top : window.innerHeight);
    if (hidden > 0) { window.scrollBy(0, hidden + 8); }
  }

  function pin(row) {
    var told = field("placed");
    if (pinned) { pinned.classList.remove("chosen"); }
    pinned = row;
    place(row);
    if (!told) { return; }
    told.hidden = !row;
    told.parentNode.classList.toggle("docked", !!row);
    document.documentElement.classList.toggle("with-dock", !!row);
    if (row) {
      row.classList.add("chosen");
      keepInView(row);
      told.querySelector("strong").textContent = row.cells[1].querySelector("a").textContent + ", " + row.cells[2].textContent;
    }
  }
  body.addEventListener("click", function (event) {
    var node = event.target;
    while (node !== body && node.nodeName !== "TR") {
      if (node.nodeName === "A") { return; }
      node = node.parentNode;
    }
    if (node !== body) { pin(node === pinned ? null : node); }
  });
  /* By keyboard: the row whose link has the focus is the one that is placed. */
  body.addEventListener("focusin", function (event) {
    var node = event.target;
    while (node !== body && node.nodeName !== "TR") { node = node.parentNode; }
    if (node !== body && node !== pinned) { pin(node); }
  });
  body.addEventListener("mouseover", function (event) {
    var node = event.target;
    while (node !== body && node.nodeName !== "TR") { node = node.parentNode; }
    if (!pinned && node !== body) { place(node); }
  });
  body.addEventListener("mouseleave", function () { if (!pinned) { place(null); } });
  /* The way from a patient's page leads to the patient's row. */
  var asked = location.hash.length > 1 ? field(decodeURIComponent(location.hash.slice(1))) : null;
  if (rows.indexOf(asked) >= 0) { pin(asked); }
  if (field("clear")) { field("clear").addEventListener("click", function () { pin(null); }); }
}());
