/* Photographs that can be zoomed and moved by mouse, touch and keyboard, and what is laid over them. */
(function () {
  "use strict";
  var STEP = 1.25, MOVE = 60;

  function list(parent, selector) { return [].slice.call(parent.querySelectorAll(selector)); }
  function ratio() { return window.devicePixelRatio || 1; }

  function Viewer(figure) {
    var self = this;
    self.figure = figure;
    self.frame = figure.querySelector(".frame");
    self.stage = figure.querySelector(".stage");
    self.told = figure.querySelector(".zoom output");
    self.width = Number(self.frame.getAttribute("data-width"));
    self.zoom = 1; self.x = 0; self.y = 0;
    self.fingers = {};
    list(figure, ".zoom button").forEach(function (button) {
      button.addEventListener("click", function () { self.act(button.getAttribute("data-zoom"), button); });
    });
    self.listen();
    window.addEventListener("resize", function () { self.show(); });
    self.show();
  }

  /* The zoom at which one pixel of the photograph is one pixel of the screen. */
  Viewer.prototype.trueZoom = function () { return this.width / (this.frame.clientWidth * ratio()); };

  Viewer.prototype.show = function () {
    var width = this.frame.clientWidth, height = this.frame.clientHeight, real = this.trueZoom();
    this.zoom = Math.min(Math.max(this.zoom, 1), Math.max(8, 8 * real));
    this.x = Math.min(0, Math.max(this.x, width * (1 - this.zoom)));
    this.y = Math.min(0, Math.max(this.y, height * (1 - this.zoom)));
    this.stage.style.transform = this.zoom === 1 ? "" : "translate(" + this.x + "px," + this.y + "px) scale(" + this.zoom + ")";
    this.stage.classList.toggle("pixels", this.zoom >= 0.99 * real && this.zoom > 1);
    this.frame.style.touchAction = this.zoom > 1 ? "none" : "pan-y";
    this.told.textContent = Math.round(100 * this.zoom / real) + " %";
  };

  /* Zooms so that the point (x, y) of the frame stays where it is. */
  Viewer.prototype.zoomTo = function (zoom, x, y) {
    var before = this.zoom, most = Math.max(8, 8 * this.trueZoom());
    this.zoom = Math.min(Math.max(zoom, 1), most);
    this.x = x - (x - this.x) * this.zoom / before;
    this.y = y - (y - this.y) * this.zoom / before;
    this.show();
  };

  Viewer.prototype.act = function (what, button) {
    var x = this.frame.clientWidth / 2, y = this.frame.clientHeight / 2, wide;
    if (what === "in") { this.zoomTo(this.zoom * STEP, x, y); }
    else if (what === "out") { this.zoomTo(this.zoom / STEP, x, y); }
    else if (what === "fit") { this.zoomTo(1, x, y); }
    else if (what === "true") { this.zoomTo(this.trueZoom(), x, y); }
    else if (what === "wide") {
      wide = this.figure.classList.toggle("wide");
      button.setAttribute("aria-pressed", String(wide));
      this.show();
    }
  };

  Viewer.prototype.place = function (event) {
    var box = this.frame.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  Viewer.prototype.start = function (id, place) {
    this.fingers[id] = place;
    this.frame.classList.add("moving");
  };

  Viewer.prototype.end = function (id) {
    delete this.fingers[id];
    if (!Object.keys(this.fingers).length) { this.frame.classList.remove("moving"); }
  };

  /* One finger or the mouse moves, two fingers zoom around their middle. */
  Viewer.prototype.move = function (id, place) {
    var before = this.fingers[id], others, other, was, is;
    if (!before) { return; }
    others = Object.keys(this.fingers).filter(function (key) { return key !== String(id); });
    if (others.length) {
      other = this.fingers[others[0]];
      was = Math.hypot(before.x - other.x, before.y - other.y);
      is = Math.hypot(place.x - other.x, place.y - other.y);
      if (was > 0) { this.zoomTo(this.zoom * is / was, (place.x + other.x) / 2, (place.y + other.y) / 2); }
    } else {
      this.x += place.x - before.x;
      this.y += place.y - before.y;
      this.show();
    }
    this.fingers[id] = place;
  };

  Viewer.prototype.listen = function () {
    var self = this, frame = self.frame;
    frame.addEventListener("dragstart", function (event) { event.preventDefault(); });
    frame.addEventListener("wheel", function (event) {
      var place = self.place(event), before = self.zoom;
      if (!event.ctrlKey && document.activeElement !== frame) { return; }
      self.zoomTo(self.zoom * (event.deltaY < 0 ? STEP : 1 / STEP), place.x, place.y);
      if (self.zoom !== before || event.ctrlKey) { event.preventDefault(); }
    }, { passive: false });
    frame.addEventListener("dblclick", function (event) {
      var place = self.place(event);
      self.zoomTo(self.zoom > 1 ? 1 : Math.max(2, self.trueZoom()), place.x, place.y);
    });
    frame.addEventListener("keydown", function (event) { self.key(event); });
    if (window.PointerEvent) { self.listenToPointers(); } else { self.listenToMouseAndTouch(); }
  };

  Viewer.prototype.listenToPointers = function () {
    var self = this, frame = self.frame;
    frame.addEventListener("pointerdown", function (event) {
      if (event.button) { return; }
      self.start(event.pointerId, self.place(event));
      if (frame.setPointerCapture) { frame.setPointerCapture(event.pointerId); }
    });
    frame.addEventListener("pointermove", function (event) { self.move(event.pointerId, self.place(event)); });
    ["pointerup", "pointercancel"].forEach(function (name) {
      frame.addEventListener(name, function (event) { self.end(event.pointerId); });
    });
  };

  /* For browsers before 2018. */
  Viewer.prototype.listenToMouseAndTouch = function () {
    var self = this, frame = self.frame;
    frame.addEventListener("mousedown", function (event) { self.start("mouse", self.place(event)); });
    window.addEventListener("mousemove", function (event) { self.move("mouse", self.place(event)); });
    window.addEventListener("mouseup", function () { self.end("mouse"); });
    function each(event, act) {
      [].slice.call(event.changedTouches).forEach(function (touch) { act(touch.identifier, self.place(touch)); });
    }
    frame.addEventListener("touchstart", function (event) { each(event, self.start.bind(self)); });
    frame.addEventListener("touchmove", function (event) {
      each(event, self.move.bind(self));
      if (self.zoom > 1 || event.touches.length > 1) { event.preventDefault(); }
    });
    ["touchend", "touchcancel"].forEach(function (name) {
      frame.addEventListener(name, function (event) { each(event, self.end.bind(self)); });
    });
  };

  Viewer.prototype.key = function (event) {
    var moves = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    var acts = { "+": "in", "=": "in", "-": "out", "0": "fit", "1": "true" };
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (acts[event.key]) { this.act(acts[event.key]); }
    else if (moves[event.key] && this.zoom > 1) {
      this.x += MOVE * moves[event.key][0];
      this.y += MOVE * moves[event.key][1];
      this.show();
    } else { return; }
    event.preventDefault();
  };

  list(document, ".visit").forEach(function (visit) {
    var slider = visit.querySelector(".opacity");
    list(visit, "[data-layer]").forEach(function (box) {
      function apply() { visit.classList.toggle("show-" + box.getAttribute("data-layer"), box.checked); }
      box.addEventListener("change", apply);
      /* Some browsers keep the boxes of an earlier look at the page. */
      apply();
    });
    function fade() {
      list(visit, ".overlays").forEach(function (part) { part.style.opacity = String(slider.value / 100); });
      visit.querySelector(".tools output").textContent = slider.value + " %";
    }
    slider.addEventListener("input", fade);
    slider.addEventListener("change", fade);
    fade();
    list(visit, ".eye").forEach(function (figure) { return new Viewer(figure); });
  });
}());
