namespace Esper.Data;

/// <summary>Random changes to training images that keep their class.</summary>
public sealed record Augmentation
{
    /// <summary>Images as they are.</summary>
    public static Augmentation None { get; } = new();

    /// <summary>
    /// Pixels of zeros put around an image before a window of its own size is cut at random; 0 = off.
    /// </summary>
    public int CropPadding { get; init; }

    /// <summary>Whether half of the images are mirrored left to right, after the crop.</summary>
    public bool Flip { get; init; }
}
