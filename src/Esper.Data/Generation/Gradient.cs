using System.Numerics;

namespace Esper.Data;

/// <summary>A colour that changes linearly over the canvas.</summary>
/// <param name="Centre">Colour in the middle of the canvas, in [0, 255] a channel.</param>
/// <param name="Change">Change of the colour from the middle to an edge.</param>
/// <param name="Slope">Direction of the change.</param>
internal readonly record struct Gradient(Vector3 Centre, Vector3 Change, Vector2 Slope)
{
    private const float Middle = (GlyphCanvas.Size - 1) / 2f;

    /// <summary>Colour at a pixel.</summary>
    public Vector3 At(float x, float y) =>
        Centre + (Change * ((((x - Middle) * Slope.X) + ((y - Middle) * Slope.Y)) / Middle));
}
