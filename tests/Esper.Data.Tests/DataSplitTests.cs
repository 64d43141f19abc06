namespace Esper.Data.Tests;

public sealed class DataSplitTests
{
    [Theory]
    [InlineData(0.1, 0)]
    [InlineData(0.1, 1)]
    [InlineData(0.25, 7)]
    [InlineData(0.5, -3)]
    [InlineData(0.001, 5)]
    public void Parts_are_disjoint_cover_everything_ascend_and_keep_the_shares_of_classes(double fraction, long seed)
    {
        ImageExamples examples = Uneven();
        DataSplit split = DataSplit.Stratified(examples, fraction, seed);

        Assert.Equal(Enumerable.Range(0, examples.Count), split.Train.Concat(split.Validation).Order());
        Assert.Equal(split.Train.Order(), split.Train.ToArray());
        Assert.Equal(split.Validation.Order(), split.Validation.ToArray());
        byte[] labels = examples.Labels.ToArray();
        foreach (IGrouping<byte, byte> group in labels.GroupBy(label => label))
        {
            int inClass = group.Count();
            int held = split.Validation.Count(index => labels[index] == group.Key);
            int nearest = (int)Math.Floor((inClass * fraction) + 0.5);
            Assert.Equal(inClass == 1 ? 0 : Math.Max(1, nearest), held);
        }
    }

    [Fact]
    public void Choice_depends_on_the_seed_only()
    {
        ImageExamples examples = Uneven();
        int[] first = [.. DataSplit.Stratified(examples, 0.2, 11).Validation];
        Assert.Equal(first, DataSplit.Stratified(examples, 0.2, 11).Validation.ToArray());
        Assert.NotEqual(first, DataSplit.Stratified(examples, 0.2, 12).Validation.ToArray());
    }

    [Fact]
    public void Every_example_of_a_class_can_be_chosen()
    {
        ImageExamples examples = new(new byte[6], new byte[6], 1);
        HashSet<int> chosen = [.. Enumerable.Range(0, 200).SelectMany(seed => DataSplit.Stratified(examples, 0.1, seed).Validation)];
        Assert.Equal(6, chosen.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-0.1)]
    [InlineData(0.51)]
    [InlineData(double.NaN)]
    public void Fraction_out_of_range_is_refused(double fraction) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => DataSplit.Stratified(Uneven(), fraction, 0));

    [Fact]
    public void Nothing_to_set_aside_is_refused()
    {
        ImageExamples examples = new(new byte[3], [0, 1, 2], 1);
        Assert.Contains("too few", Assert.Throws<DataException>(() => DataSplit.Stratified(examples, 0.1, 0)).Message, StringComparison.Ordinal);
    }

    /// <summary>Classes of 1, 2, 37 and 110 examples, mixed.</summary>
    private static ImageExamples Uneven()
    {
        byte[] labels = [.. Enumerable.Range(0, 150).Select(i => (byte)(i == 70 ? 3 : i is 3 or 149 ? 200 : i % 4 == 1 ? 1 : 0))];
        return new ImageExamples(new byte[labels.Length], labels, 1);
    }
}
