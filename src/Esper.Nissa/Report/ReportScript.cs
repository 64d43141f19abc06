namespace Esper.Nissa.Report;

/// <summary>The report's script: shows the titles of shapes at once, beside the pointer. Without it browsers show them after a while.</summary>
internal static class ReportScript
{
    public const string JavaScript = """
        (function () {
          var tip = document.createElement('div');
          tip.className = 'tip';
          document.body.appendChild(tip);
          document.querySelectorAll('svg.chart title').forEach(function (title) {
            title.parentNode.tip = title.textContent;
            title.remove();
          });
          document.addEventListener('pointermove', function (event) {
            var text = event.target.tip;
            tip.style.display = text ? 'block' : 'none';
            if (!text) { return; }
            tip.textContent = text;
            var left = event.clientX + 14, top = event.clientY + 14;
            if (left + tip.offsetWidth > innerWidth - 8) { left = event.clientX - tip.offsetWidth - 14; }
            if (top + tip.offsetHeight > innerHeight - 8) { top = event.clientY - tip.offsetHeight - 14; }
            tip.style.left = Math.max(4, left) + 'px';
            tip.style.top = Math.max(4, top) + 'px';
          });
        })();
        """;
}
