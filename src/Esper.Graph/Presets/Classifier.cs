namespace Esper.Graph;

/// <summary>Beginning and end that the image presets share.</summary>
internal static class Classifier
{
    /// <summary>Declares <c>images</c> and <c>labels</c>; returns the images.</summary>
    public static string Begin(GraphBuilder builder, ImageInput input)
    {
        string images = builder.Input(
            "images", ElementType.Float32, [Dimension.Batch, input.Channels, input.Height, input.Width]);
        builder.Input("labels", ElementType.Int64, [Dimension.Batch]);
        return images;
    }

    /// <summary>Averages over positions and flattens: [N, C, H, W] -> [N, C].</summary>
    public static string Average(GraphBuilder builder, string x) => builder.Flatten(builder.GlobalAveragePool(x));

    /// <summary>Adds the linear head and the loss to features [N, C].</summary>
    public static HostGraph End(GraphBuilder builder, string features, ImageInput input, double labelSmoothing)
    {
        string logits = builder.Linear(features, input.Classes, name: "logits");
        string loss = builder.CrossEntropy(logits, "labels", labelSmoothing);
        return builder.Build([logits], loss, logits, "labels");
    }
}
