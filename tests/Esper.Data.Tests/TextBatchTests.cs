namespace Esper.Data.Tests;

public sealed class TextBatchTests
{
    private static readonly TextDataset Dataset = new("text", new string([.. Enumerable.Range(0, 1003).Select(i => (char)('a' + (i * i % 23)))]));

    [Fact]
    public void Training_windows_lie_in_the_range_and_labels_are_the_next_tokens()
    {
        TokenRange range = new(100, 57);
        using TextBatchLoader loader = new(Dataset, range, context: 8, batchSize: 3, seed: 4);
        Assert.Equal((2, 6), (loader.BatchesPerEpoch, loader.ExamplesPerEpoch));
        HashSet<int> starts = [];
        for (int epoch = 0; epoch < 400; epoch++)
        {
            foreach ((int start, long[] tokens, long[] labels) in Drain(loader, epoch))
            {
                starts.Add(start);
                Assert.Equal(Slice(start, 8), tokens);
                Assert.Equal(Slice(start + 1, 8), labels);
            }
        }

        // Windows of 8 and the token after them fit at 57 - 8 places.
        Assert.Equal(Enumerable.Range(100, 49), starts.Order());
    }

    [Fact]
    public void Windows_depend_on_seed_and_epoch_not_on_batch_size_or_what_came_before()
    {
        using TextBatchLoader one = new(Dataset, Dataset.Train, 16, 5, seed: 4, prefetchDepth: 1);
        using TextBatchLoader other = new(Dataset, Dataset.Train, 16, 10, seed: 4);
        using TextBatchLoader third = new(Dataset, Dataset.Train, 16, 5, seed: 5);
        int[] starts = Starts(one, 2);
        Assert.Equal(starts, Starts(other, 2));
        Assert.NotEqual(starts, Starts(one, 3));
        Assert.NotEqual(starts, Starts(third, 2));
        Assert.Equal(starts.Skip(15), Drain(one, 2, firstBatch: 3).Select(window => window.Start));
    }

    [Theory]
    [InlineData(101, 10, 4, 10)]
    [InlineData(100, 10, 4, 9)]
    [InlineData(11, 10, 4, 1)]
    [InlineData(2, 1, 1, 1)]
    public void Evaluation_goes_through_the_range_window_by_window(int length, int context, int batch, int windows)
    {
        TokenRange range = new(50, length);
        using TextEvaluationBatches loader = new(Dataset, range, context, batch);
        Assert.Equal((windows + batch - 1) / batch, loader.BatchesPerEpoch);
        Assert.Equal(windows, loader.ExamplesPerEpoch);
        (int Start, long[] Tokens, long[] Labels)[] seen = [.. Drain(loader, 0)];
        Assert.Equal(Enumerable.Range(0, windows).Select(i => 50 + (i * context)), seen.Select(window => window.Start));
        Assert.Equal(Slice(50, windows * context), seen.SelectMany(window => window.Tokens));
        Assert.Equal(Slice(51, windows * context), seen.SelectMany(window => window.Labels));
    }

    [Fact]
    public void Inputs_are_named_and_shaped_in_graph_order()
    {
        using TextEvaluationBatches loader = new(Dataset, new TokenRange(0, 31), 10, 2);
        loader.StartEpoch(0, firstBatch: 1);
        Assert.True(loader.TryNext(out Batch? batch, CancellationToken.None));
        Assert.Equal(["tokens", "labels"], batch.Inputs.Select(input => input.Name));
        Assert.All(batch.Inputs, input => Assert.Equal([1, 10], input.Dims.ToArray()));
        Assert.All(batch.Inputs, input => Assert.False(input.IsFloat));
    }

    [Fact]
    public void Range_shorter_than_a_window_is_refused()
    {
        DataException failure = Assert.Throws<DataException>(() => new TextBatchLoader(Dataset, new TokenRange(5, 10), 10, 1, 0));
        Assert.Equal(
            "10 tokens from token 5 of the text are fewer than one window of 10 and the token after it: use a longer text or a smaller "
            + "context",
            failure.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new TextBatchLoader(Dataset, new TokenRange(1000, 10), 2, 1, 0));
    }

    private static long[] Slice(int start, int count) =>
        [.. Dataset.Tokens.Slice(start, count).ToArray().Select(token => (long)token)];

    private static int[] Starts(IBatchLoader loader, int epoch) => [.. Drain(loader, epoch).Select(window => window.Start)];

    private static List<(int Start, long[] Tokens, long[] Labels)> Drain(IBatchLoader loader, int epoch, int firstBatch = 0)
    {
        List<(int, long[], long[])> seen = [];
        loader.StartEpoch(epoch, firstBatch);
        while (loader.TryNext(out Batch? batch, CancellationToken.None))
        {
            int context = (int)batch.Inputs[0].Dims[1];
            for (int i = 0; i < batch.Count; i++)
            {
                seen.Add((
                    batch.Indices.Span[i],
                    batch.Inputs[0].Integers.Slice(i * context, context).ToArray(),
                    batch.Labels.Slice(i * context, context).ToArray()));
            }
        }

        return seen;
    }
}
