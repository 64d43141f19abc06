namespace Esper.Graph;

/// <summary>Multilayer perceptron over flattened images with ReLU.</summary>
internal static class PerceptronPreset
{
    public static HostPreset Create(string name, ImageInput input, int[] widths, double labelSmoothing)
    {
        GraphBuilder builder = new();
        string x = builder.Flatten(Classifier.Begin(builder, input));
        for (int layer = 0; layer < widths.Length; layer++)
        {
            using (builder.Scope($"block{layer + 1}"))
            {
                x = builder.Relu(builder.Linear(x, widths[layer]), name: "out");
            }
        }

        HostGraph graph = Classifier.End(builder, x, input, labelSmoothing);
        return new HostPreset(
            name,
            graph,
            ["block*.out"],
            $"Multilayer perceptron with ReLU, hidden widths {string.Join('-', widths)}.",
            HostTask.ImageClassification);
    }
}
