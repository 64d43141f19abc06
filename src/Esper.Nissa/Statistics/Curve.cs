using System.Collections.Immutable;

namespace Esper.Nissa.Statistics;

/// <summary>
/// A quantity that is measured from time to time, such as accuracy over operations: straight between two measurements, and at its last
/// value behind the last one, as a model keeps its accuracy when its training has ended. Before the first measurement it has no value.
/// </summary>
public sealed class Curve
{
    private readonly ImmutableArray<(double X, double Y)> _points;

    /// <summary>Creates a curve.</summary>
    /// <param name="points">Measurements, in order of x, at least one.</param>
    /// <exception cref="ArgumentException">There are none, or they are out of order.</exception>
    public Curve(IEnumerable<(double X, double Y)> points)
    {
        _points = [.. points];
        if (_points.IsEmpty)
        {
            throw new ArgumentException("A curve needs a measurement.", nameof(points));
        }

        for (int i = 1; i < _points.Length; i++)
        {
            if (!(_points[i].X >= _points[i - 1].X))
            {
                throw new ArgumentException($"Measurement {i} lies before the one ahead of it.", nameof(points));
            }
        }
    }

    /// <summary>The measurements.</summary>
    public ImmutableArray<(double X, double Y)> Points => _points;

    /// <summary>Where the first measurement lies.</summary>
    public double First => _points[0].X;

    /// <summary>Where the last measurement lies.</summary>
    public double Last => _points[^1].X;

    /// <summary>The same measurements with x multiplied by a factor.</summary>
    public Curve Stretched(double factor) => new(_points.Select(point => (point.X * factor, point.Y)));

    /// <summary>The value at a place; null before the first measurement.</summary>
    public double? At(double x)
    {
        if (x < First)
        {
            return null;
        }

        if (x >= Last)
        {
            return _points[^1].Y;
        }

        int next = 1;
        while (_points[next].X <= x)
        {
            next++;
        }

        ((double x0, double y0), (double x1, double y1)) = (_points[next - 1], _points[next]);
        return y0 + ((y1 - y0) * (x - x0) / (x1 - x0));
    }

    /// <summary>Mean value over [from, to], by the trapezoidal rule, which is exact here; null where a part has no value.</summary>
    public double? Mean(double from, double to)
    {
        if (!(to > from) || At(from) is not { } start || At(to) is not { } end)
        {
            return null;
        }

        double area = 0;
        (double x, double y) = (from, start);
        foreach ((double X, double Y) point in _points.Where(point => point.X > from && point.X < to).Append((to, end)))
        {
            area += (point.X - x) * (point.Y + y) / 2;
            (x, y) = point;
        }

        return area / (to - from);
    }
}
